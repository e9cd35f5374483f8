"""Make the demo's second CSV, ``updates.csv``, out of ``planes.csv``.

The rule: each aircraft gets a row ``tailnum, state, seats, inspected_on``, in the order of ``planes.csv``.

- ``state`` is ``RETIRED`` for an aircraft built before 1990, else ``IN_SERVICE``.
- ``seats`` is the number of seats, two fewer than before (a new galley).
- ``inspected_on`` is 1 July 2026 plus as many days as the aircraft's position, modulo 90.

Wrong on purpose are, counting aircraft from 1:

- every 500th: a tail number that no aircraft has (``invalid``: the service knows no such process);
- every 700th: the state ``SCRAPPED``, which the procedure does not have (``failed``: the service refuses it);
- every 900th: ``many`` seats (``invalid``: refused before anything is sent);
- the 1,000th beyond those: a row that breaks off after the tail number (``invalid``: malformed line).
"""

import csv
from datetime import date, timedelta
from pathlib import Path


PLANES = Path(__file__).parent / "data" / "planes.csv"


def write_updates(target: Path) -> None:
    """Write the file by the rule above."""
    with (
        PLANES.open(newline="", encoding="utf-8") as planes,
        target.open("w", newline="", encoding="utf-8") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(["tailnum", "state", "seats", "inspected_on"])
        for number, plane in enumerate(csv.DictReader(planes), start=1):
            tailnum = plane["tailnum"] if number % 500 else f"X{number}"
            year = int(plane["year"]) if plane["year"] != "NA" else 2000
            state = "SCRAPPED" if number % 700 == 0 else "RETIRED" if year < 1990 else "IN_SERVICE"
            seats = "many" if number % 900 == 0 else int(plane["seats"]) - 2
            inspected_on = date(2026, 7, 1) + timedelta(days=number % 90)
            writer.writerow([tailnum] if number == 1001 else [tailnum, state, seats, inspected_on])

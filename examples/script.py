"""A plain script: bring a table of a local database to Chakra, and write down what did not go through.

The rows are read from the cursor while they are sent, so the table may be of any size; a row that Chakra
refuses ends in the table ``failure`` with the reason, and the next run sends only what is not ``sent`` yet.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/script.py leads.db
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing

from chakra_async import ProcessUpdate, Summary
from chakra_async.sync import Client


def updates(database: sqlite3.Connection) -> Iterator[ProcessUpdate]:
    """Turn each row into an update of the lead with that number."""
    rows = database.execute("SELECT lead_id, city, score FROM lead WHERE NOT sent ORDER BY lead_id")
    for lead_id, city, score in rows:
        yield ProcessUpdate(key=("lead_id", lead_id), data={"city": city, "score": score})


def send(path: str) -> Summary:
    """Send all rows that wait, and note the fate of each in the database."""
    with closing(sqlite3.connect(path)) as database, Client() as chakra:
        sent: list[tuple[str | None]] = []
        failed: list[tuple[str | None, str]] = []
        with chakra.processes.bulk_update("lead", updates(database)) as run:
            for result in run:
                if result.ok:
                    sent.append((result.key,))
                else:
                    failed.append((result.key, f"{result.outcome}: {'; '.join(result.errors)}"))
        with database:
            database.executemany("UPDATE lead SET sent = 1 WHERE lead_id = ?", sent)
            database.executemany("INSERT INTO failure (lead_id, reason) VALUES (?, ?)", failed)
        return run.summary


if __name__ == "__main__":
    summary = send(sys.argv[1])
    print(summary)
    sys.exit(0 if summary.ok else 1)

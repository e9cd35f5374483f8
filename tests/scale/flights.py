"""Flights to send: the real file where it is at hand, else rows of the same form and number."""

import csv
import gzip
import random
from pathlib import Path


ROWS = 336_776
REAL = Path(__file__).parents[3] / "shared" / "data" / "flights.csv.gz"
HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,"
    "tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
).split(",")


def flights_file(folder: Path) -> Path:
    """Return the real file, or make one."""
    if REAL.exists():
        return REAL
    made = folder / "flights.csv.gz"
    dice = random.Random(2013)
    with gzip.open(made, "wt", compresslevel=1, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(ROWS):
            delay = "NA" if number % 40 == 0 else dice.randrange(-20, 900)
            clock = dice.randrange(2400)
            writer.writerow(
                [2013, number % 12 + 1, number % 28 + 1, "NA" if delay == "NA" else clock, clock, delay]
                + [clock, clock, delay, dice.choice("UA AA B6 DL EV".split()), dice.randrange(6000)]
                + [f"N{dice.randrange(4000)}", dice.choice("EWR JFK LGA".split()), "IAH", delay, 1400]
                + [clock // 100, clock % 60, "2013-01-01T10:00:00Z"]
            )
    return made

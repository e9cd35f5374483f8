"""The main job on real rows: 336,776 flights created, then updated, each accounted for."""

import csv
import gzip
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from chakra_async.emulator import Emulator

from .flights import ROWS, flights_file
from .send_flights import WHOLE


SCRIPT = Path(__file__).with_name("send_flights.py")
# What a run of any length may need beyond what a short one needs: on a busy machine more jobs are under way
# at times, each with a thousand wide rows. All the rows together would take a gigabyte.
ALLOWED_GROWTH_MIB = 48
# Enough to have as many rows under way as any longer one.
SHORT = 50_000


def send(emulator, path, rows):
    environment = {**os.environ, "CHAKRA_BASE_URL": emulator.url, "CHAKRA_ACCESS_TOKEN": emulator.token}
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, path, str(rows)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def expected(row):
    return {
        name: value if name not in WHOLE else None if value == "NA" else int(value)
        for name, value in row.items()
    }


@pytest.mark.fault("B7")
@pytest.mark.timeout(600)
def test_every_flight_has_one_outcome_and_the_service_holds_the_file(tmp_path, capsys):
    path = flights_file(tmp_path)
    peaks = {}
    for rows in (SHORT, ROWS):
        with Emulator(rows_per_second=None) as emulator:
            emulator.add_procedure("flight", primary_key="flight_id")
            report = send(emulator, path, rows)
            assert report["create"]["each_once"], report
            assert report["update"]["each_once"], report
            peaks[rows] = report["update"]["peak_mib"]
            assert len(emulator.ledger) == 2 * rows
            with gzip.open(path, "rt", newline="") as file:
                held = {
                    process["data"].pop("flight_id"): process["data"]
                    for process in emulator.processes("flight")
                }
                for line, row in enumerate(islice(csv.DictReader(file), rows), start=2):
                    assert held.pop(line) == expected(row)
            assert not held
    with capsys.disabled():
        print(f"\n{report['create']['summary']}\n{report['update']['summary']}\npeak memory, MiB: {peaks}")
    assert peaks[ROWS] - peaks[SHORT] < ALLOWED_GROWTH_MIB

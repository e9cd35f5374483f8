"""C2: Ctrl-C and SIGTERM in the middle of a bulk run; the same command then ends it."""

import signal
import time

import pytest

from chakra_async.emulator import Emulator
from tests.bulk.test_resume import check, finish, prepare, start


pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def service():
    with Emulator(rows_per_second=100, job_latency=0.005) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "RETIRED"))
        yield emulator


@pytest.mark.parametrize(
    ("operation", "caller", "number"),
    [
        ("update", "async", signal.SIGINT),
        ("create", "sync", signal.SIGINT),
        ("create", "async", signal.SIGTERM),
    ],
)
def test_C2_a_signal_ends_a_run_within_five_seconds_and_it_is_taken_up_again(
    service, tmp_path, operation, caller, number
):
    service.job_settings.rows_per_second = None
    prepare(service, operation)
    service.job_settings.rows_per_second = 100
    before = len(service.ledger)
    journal = str(tmp_path / "run.db")
    process = start(service, caller, operation, journal)
    while len(service.ledger) < before + 15:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    begun = time.monotonic()
    process.communicate(timeout=30)
    assert time.monotonic() - begun < 5
    # As the signal itself would have ended it: nobody has swallowed it.
    assert process.returncode == -number
    service.job_settings.rows_per_second = None
    check(service, operation, finish(start(service, caller, operation, journal)))

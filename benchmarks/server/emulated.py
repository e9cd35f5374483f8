"""``python -m benchmarks.server.emulated``: the emulator with the leads of the workload in it."""

from __future__ import annotations

import threading

from benchmarks.harness.machine import end_with_parent, pin, processors
from benchmarks.workload import EMULATED, batches, row_key
from chakra_async import ProcessCreate
from chakra_async.emulator import Emulator
from chakra_async.sync import Client


def main() -> None:
    end_with_parent()
    pin(processors()[1])
    with Emulator(rows_per_second=None, job_latency=0.0) as emulator:
        with Client(emulator.token, base_url=emulator.url) as chakra:
            leads = (ProcessCreate({"lead_id": row_key(n)}) for n in range(EMULATED))
            for chunk in batches(leads, 1000):
                chakra.jobs.wait(chakra.processes.start_bulk_create("lead", chunk).id)
        print(emulator.url, emulator.token, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

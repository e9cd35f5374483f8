"""Of 100,000 rows, only what differs is sent."""

import pytest

from chakra_async import ProcessUpdate
from chakra_async.emulator import Emulator
from chakra_async.sync import Client


ROWS = 100_000
EVERY = 100


def rows(changed):
    for n in range(ROWS):
        score = n % 7 + (changed and n % EVERY == 0)
        yield ProcessUpdate(key=("lead_id", f"L{n}"), data={"city": "Panaji", "score": score})


@pytest.mark.timeout(120)
def test_a_hundredth_differs_and_a_hundredth_is_sent():
    creates = (
        {"key": ("lead_id", f"L{n}"), "data": {"lead_id": f"L{n}", "city": "Panaji", "score": n % 7}}
        for n in range(ROWS)
    )
    with Emulator(rows_per_second=None) as emulator:
        emulator.add_procedure("lead", primary_key="lead_id")
        with Client(emulator.token, base_url=emulator.url) as chakra:
            assert chakra.processes.bulk_create("lead", creates).run().created == ROWS
            before = len(emulator.ledger)
            summary = chakra.processes.bulk_update("lead", rows(changed=True), only_changed=True).run()
            again = chakra.processes.bulk_update("lead", rows(changed=True), only_changed=True).run()
        sent = len(emulator.ledger) - before
        held = {one["data"]["lead_id"]: one["data"] for one in emulator.processes("lead")}
    assert (summary.updated, summary.unchanged) == (ROWS // EVERY, ROWS - ROWS // EVERY)
    assert (again.updated, again.unchanged, again.jobs) == (0, ROWS, 0)
    assert all(held[row.key[1]] == {"lead_id": row.key[1], **row.data} for row in rows(changed=True))
    assert sent == ROWS // EVERY

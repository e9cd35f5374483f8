"""Processes are found many at a time, whatever the service makes of the question."""

import pytest

from chakra_async import BadRequestError, NotFoundError, Process
from chakra_async.bulk.lookup import Finder


def refusal(kind, status):
    return kind("no", status=status, errors=("no",), method="POST", path="/list", attempts=1)


class Service:
    """Processes by id, each with a key, and what a list makes of its condition."""

    def __init__(self, count, reads="any of"):
        self.processes = {f"p{n}": Process(id=f"p{n}", data={"tail": f"N{n}"}) for n in range(count)}
        self.reads = reads
        self.calls = []
        self.shown = 0

    async def any_of(self, name, values):
        self.calls.append(("list", name, len(values)))
        if self.reads == "refuses":
            raise refusal(BadRequestError, 400)
        for process in self.processes.values():
            value = process.id if name == "id" else process.data[name]
            if self.reads == "ignores" or (
                self.reads == "any of" and value in values and not process.is_deleted
            ):
                self.shown += 1
                yield process

    async def get(self, process_id):
        self.calls.append(("get", process_id))
        if process_id not in self.processes:
            raise refusal(NotFoundError, 404)
        return self.processes[process_id]

    def finder(self):
        return Finder(self.any_of, self.get)


async def test_a_hundred_with_a_request():
    service = Service(250)
    found = await service.finder()("tail", [f"N{n}" for n in range(100, 350)])
    assert found == {f"N{n}": service.processes[f"p{n}"] for n in range(100, 250)}
    assert service.calls == [("list", "tail", 100), ("list", "tail", 100), ("list", "tail", 50)]


async def test_ids_that_a_list_understands():
    service = Service(5)
    assert set(await service.finder()("id", ["p1", "p4", "p9"])) == {"p1", "p4"}
    assert service.calls == [("list", "id", 3)]


@pytest.mark.parametrize("reads", ["refuses", "ignores", "finds nothing"])
async def test_ids_that_a_list_does_not_understand_are_fetched_one_by_one(reads):
    service = Service(300, reads)
    finder = service.finder()
    assert set(await finder("id", ["p1", "p299", "p400"])) == {"p1", "p299"}
    assert service.calls == [("list", "id", 3), ("get", "p1"), ("get", "p299"), ("get", "p400")]
    assert service.shown <= 6
    assert set(await finder("id", ["p2"])) == {"p2"}
    assert service.calls[4:] == [("get", "p2")]


async def test_deleted_processes_are_no_reason_to_mistrust_the_list():
    service = Service(3)
    service.processes["p1"].is_deleted = True
    finder = service.finder()
    assert set(await finder("id", ["p1"])) == {"p1"}
    assert set(await finder("id", ["p2"])) == {"p2"}
    assert service.calls == [("list", "id", 1), ("get", "p1"), ("list", "id", 1)]


async def test_a_service_that_ignores_the_condition_is_not_read_to_its_end():
    service = Service(100_000, "ignores")
    found = await service.finder()("tail", ["N50000", "N3"])
    assert found == {"N3": service.processes["p3"], "N50000": None}
    assert service.shown == 4


async def test_of_what_is_missing_among_others_than_were_asked_for_nobody_can_tell():
    service = Service(2, "ignores")
    assert await service.finder()("tail", ["N1", "N7", "N8"]) == {
        "N1": service.processes["p1"],
        "N7": None,
        "N8": None,
    }
    service.processes = {"p1": Process(id="p1", data={"tail": "n1"})}
    assert await service.finder()("tail", ["N1"]) == {"N1": None}


async def test_a_list_that_repeats_itself_is_not_believed_to_be_whole():
    service = Service(1)
    service.processes = dict.fromkeys(range(100), service.processes["p0"])
    assert await service.finder()("tail", ["N0", "N1"]) == {"N0": service.processes[0], "N1": None}
    assert service.shown == 4

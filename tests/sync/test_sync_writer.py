"""A writer of the sync client: many threads update one process each, and few jobs carry it all."""

import gc
import inspect
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import chakra_async
from chakra_async import AuthenticationError, ClientClosedError, ProcessUpdate
from chakra_async.sync import Client, Writer
from tests.waiting import until


pytestmark = pytest.mark.timeout(60)


def score(writer, names):
    """Update aircraft from as many threads."""
    with ThreadPoolExecutor(len(names)) as threads:
        return list(
            threads.map(
                lambda pair: writer.update_by_key("tailnum", pair[1], data={"score": pair[0]}),
                enumerate(names),
            )
        )


def patches(emulator):
    return sum(one.method == "PATCH" for one in emulator.requests)


def test_two_hundred_threads_share_a_few_jobs(chakra, emulator, fleet):
    emulator.job_settings.latency = 0.05
    with chakra.processes.writer("aircraft", linger=math.inf) as writer:
        results = score(writer, fleet)
    assert [result.key for result in results] == fleet
    assert {result.outcome for result in results} == {"updated"}
    assert writer.summary.updated == 200
    assert writer.summary.jobs == patches(emulator) < 20
    assert [plane["data"]["score"] for plane in emulator.processes("aircraft")] == list(range(200))


def test_one_update_costs_two_requests(chakra, emulator, fleet):
    before = emulator.request_count
    with chakra.processes.writer("aircraft", linger=math.inf) as writer:
        assert writer.update_by_key("tailnum", "N7", state="RETIRED").outcome == "updated"
    assert emulator.request_count == before + 2
    assert emulator.process("aircraft", "N7")["state"] == "RETIRED"


def test_every_thread_gets_the_outcome_of_its_own_row(chakra, emulator, fleet):
    plane = emulator.process("aircraft", "N3")
    with chakra.processes.writer("aircraft") as writer:
        calls = [
            lambda: writer.update(plane["id"], status="COMPLETED"),
            lambda: writer.update_by_key("tailnum", "NOBODY", state="RETIRED"),
            lambda: writer.update_by_key("tailnum", "N0", state="SCRAPPED"),
            lambda: writer.write(ProcessUpdate(key=("tailnum", "N1"), is_deleted=True)),
        ]
        with ThreadPoolExecutor(4) as threads:
            results = [call.result() for call in [threads.submit(call) for call in calls]]
    assert [result.outcome for result in results] == ["updated", "invalid", "failed", "updated"]
    assert [result.key for result in results] == [plane["id"], "NOBODY", "N0", "N1"]
    assert emulator.process("aircraft", "N1")["isDeleted"]


def test_a_row_that_cannot_be_sent_is_refused_in_the_callers_line(chakra, emulator, own_frames):
    with chakra.processes.writer("aircraft") as writer:
        with pytest.raises(ValueError, match="nothing to change") as caught:
            writer.update("x")
        own_frames(caught.value, __file__)
    assert (writer.summary.total, emulator.request_count) == (0, 0)


def test_leaving_waits_for_the_threads_that_still_write(chakra, emulator, fleet):
    emulator.job_settings.latency = 0.1
    with ThreadPoolExecutor(20) as threads:
        with chakra.processes.writer("aircraft", chunk_size=3, concurrency=2) as writer:
            calls = [
                threads.submit(writer.update_by_key, "tailnum", name, data={"n": 1}) for name in fleet[:20]
            ]
            until(lambda: writer._writer.group._count == 20)
        assert writer.summary.updated == 20
        assert {call.result().outcome for call in calls} == {"updated"}


def test_an_error_in_the_block_ends_it_at_once(chakra, emulator, fleet, own_frames):
    emulator.job_settings.latency = 30
    with ThreadPoolExecutor(20) as threads:
        writer = chakra.processes.writer("aircraft", chunk_size=4, concurrency=2)
        with pytest.raises(LookupError, match="mine") as caught, writer:
            calls = [
                threads.submit(writer.update_by_key, "tailnum", name, data={"n": 1}) for name in fleet[:20]
            ]
            until(lambda: writer._writer.group._count == 20 and patches(emulator) == 2)
            raise LookupError("mine")
        own_frames(caught.value, __file__)
        outcomes = Counter(call.result().outcome for call in calls)
    sent = writer.summary.unknown
    assert outcomes == {"unknown": sent, "failed": 20 - sent}
    assert 2 <= sent <= 8


def test_it_is_used_inside_its_block_and_once(chakra, own_frames):
    writer = chakra.processes.writer("aircraft")
    with pytest.raises(RuntimeError, match="inside the writer's block"):
        writer.update("x", state="NEW")
    with writer:
        pass
    with pytest.raises(RuntimeError, match="only once"), writer:
        pass
    with pytest.raises(RuntimeError, match="it was left") as caught:
        writer.update("x", state="NEW")
    own_frames(caught.value, __file__)


def test_an_option_out_of_range_is_refused_at_the_call(chakra):
    with pytest.raises(ValueError, match="linger"):
        chakra.processes.writer("aircraft", linger=-1)


def test_a_token_that_is_refused_is_raised_in_the_end(emulator, own_frames):
    with Client("not-the-token", base_url=emulator.url) as chakra:
        writer = chakra.processes.writer("aircraft")
        with pytest.raises(AuthenticationError) as caught, writer:
            assert writer.update("x", state="NEW").outcome == "failed"
        own_frames(caught.value, __file__)


def test_a_client_closed_meanwhile_ends_the_writer_with_its_account(emulator, fleet, own_frames, caplog):
    emulator.job_settings.latency = 30
    client = Client(emulator.token, base_url=emulator.url)
    writer = client.processes.writer("aircraft", chunk_size=4, concurrency=2)
    with ThreadPoolExecutor(20) as threads:
        with pytest.raises(ClientClosedError) as caught, writer:
            calls = [
                threads.submit(writer.update_by_key, "tailnum", name, data={"n": 1}) for name in fleet[:20]
            ]
            until(lambda: writer._writer.group._count == 20 and patches(emulator) == 2)
            client.close()
        own_frames(caught.value, __file__)
        assert (caught.value.retry_safe, caught.value.may_be_done) == (False, True)
        assert "closed before the writer had ended" in str(caught.value)
        ends = [call.exception() or call.result().outcome for call in calls]
        assert all(end in {"unknown", "failed"} or isinstance(end, ClientClosedError) for end in ends)
    assert writer.summary.total == 20
    assert writer.summary.unknown >= 2
    gc.collect()
    assert not caplog.records  # asyncio logs tasks that were begun while the loop ended


def test_ctrl_c_stops_it_tidily(run_script, emulator, fleet):
    emulator.job_settings.latency = 1
    script = """
import os, signal, threading, time
from chakra_async.sync import Client

signal.signal(signal.SIGINT, signal.default_int_handler)
results = []
with Client() as chakra:
    writer = chakra.processes.writer("aircraft", chunk_size=3, concurrency=2)
    def work(n):
        results.append(writer.update_by_key("tailnum", f"N{n}", data={"n": n}).outcome)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    try:
        with writer:
            for thread in threads:
                thread.start()
            while not len(writer._writer.group._tasks) == 2:
                time.sleep(0.001)
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)
    except KeyboardInterrupt:
        print("interrupted")
    for thread in threads:
        thread.join()
    summary = writer.summary
    assert len(results) == summary.total == 20
    # What was in flight had time to end; nothing more was sent.
    assert summary.unknown == 0 < results.count("updated") == summary.updated <= 6
    assert results.count("failed") == summary.failed
    assert chakra.health()
"""
    assert run_script(script, emulator=emulator) == "interrupted\n"


def test_both_flavours_have_the_same_methods():
    ours = {name: value for name, value in vars(Writer).items() if not name.startswith("_")}
    theirs = {name: value for name, value in vars(chakra_async.Writer).items() if not name.startswith("_")}
    assert theirs.keys() - ours.keys() == {"group"}
    for name, method in ours.items():
        if inspect.isfunction(method):
            assert inspect.signature(method) == inspect.signature(theirs[name])
            assert inspect.iscoroutinefunction(theirs[name])
            assert not inspect.iscoroutinefunction(method)

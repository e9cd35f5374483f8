"""Processes that share rates: ``python -m tests.shared_rate.herd '[["redis://…", 20, 8, 0], …]'``.

All are forked from one interpreter, as starting one for each takes longer than all that is tested. Of each is
told its Redis, its rate, how many tasks it has, and by how many seconds its clocks are wrong. Each time that
one is let through, it prints its number and the time by the host's one clock that is right. They end when the
input does.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import sys
import time

from chakra_async import ConnectError
from chakra_async._shared_rate import SharedRate


fork = multiprocessing.get_context("fork")
stop = fork.Event()


def work(number, url, rate, tasks, skew):
    now, monotonic = time.time, time.monotonic
    time.time, time.monotonic = lambda: now() + skew, lambda: monotonic() + skew
    asyncio.run(send(number, SharedRate(url, rate, "herd", clock=time.monotonic), tasks))


async def send(number, rate, tasks):
    async def keep_sending():
        while True:
            with contextlib.suppress(ConnectError):
                await rate.wait()
                os.write(1, b"%d %f\n" % (number, time.clock_gettime(time.CLOCK_MONOTONIC)))
                await asyncio.sleep(0.01)  # for the answer

    sending = [asyncio.create_task(keep_sending()) for _ in range(tasks)]
    while not stop.is_set():
        await asyncio.sleep(0.02)
    for task in sending:
        task.cancel()
    await asyncio.wait(sending)
    await rate.close()


if __name__ == "__main__":
    workers = json.loads(sys.argv[1])
    with fork.Pool(len(workers)) as pool:
        done = pool.starmap_async(work, [(n, *each) for n, each in enumerate(workers)], chunksize=1)
        sys.stdin.read()
        stop.set()
        done.get()

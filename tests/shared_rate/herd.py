"""Processes that share rates: ``python -m tests.shared_rate.herd '[["redis://…", 20, 8, 0], …]'``.

All are forked from one interpreter, as starting one for each takes longer than all that is tested. Of each is
told its Redis, its rate, how many tasks it has, and by how many seconds its clocks are wrong. Each time that
one is let through, it prints its number and the time by the host's one clock that is right: when it looked at
its clock and found that it may go, for how long it stands still after that is not for a rate to say. They end
when the input does.
"""

import asyncio
import contextlib
import json
import multiprocessing
import os
import sys
import threading
import time

from chakra_async import ConnectError, _redis_slots, _shared_rate
from chakra_async._shared_rate import SharedRate


fork = multiprocessing.get_context("fork")
stop = fork.Event()
looked = threading.local()

# A worker that stands still for as long as Redis may take loses it alone, and adds its share to the rate.
LONGER = 1.0
_redis_slots.TIMEOUT += LONGER
_shared_rate.QUIET += LONGER


def work(number, url, rate, tasks, skew):
    now, monotonic = time.time, time.monotonic
    time.time, time.monotonic = lambda: now() + skew, lambda: monotonic() + skew

    def clock():
        looked.at = time.clock_gettime(time.CLOCK_MONOTONIC)
        return looked.at + skew

    asyncio.run(send(number, SharedRate(url, rate, "herd", clock=clock), tasks))


async def send(number, rate, tasks):
    async def keep_sending():
        while True:
            with contextlib.suppress(ConnectError):
                await rate.wait()
                os.write(1, b"%d %f\n" % (number, looked.at))
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

"""Four processes under one rate, and what may happen to the Redis between them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, pairwise
from statistics import median

import pytest
import redis

from tests.shared_rate.servers import KINDS, RedisServer


RATE = 18  # no multiple of the processes


class Run:
    """Four processes under one rate."""

    def __init__(self, kind):
        self.server = RedisServer(kind)
        self.times = [[], [], [], []]
        """When each of them was let through."""
        self.all_came = 0.0
        """When each had been let through once."""

    @property
    def shares(self):
        """How often each was let through since they all were there."""
        return [len(times) - bisect_left(times, self.all_came) for times in self.times]

    @property
    def count(self):
        return sum(map(len, self.times))

    @property
    def used(self):
        """The share of the rate that was used, but for the few moments when the host stood still."""
        every = sorted(chain(*self.times))
        return 1 / median(after - before for before, after in pairwise(every)) / RATE

    @property
    def most(self):
        """How many were let through in the fullest of all seconds."""
        every = sorted(chain(*self.times))
        return max(bisect_left(every, time + 1) - number for number, time in enumerate(every))

    def until(self, check):
        deadline = time.monotonic() + 60
        while not check():
            assert time.monotonic() < deadline, self.times
            time.sleep(0.02)

    def until_more(self, count):
        enough = self.count + count
        self.until(lambda: self.count >= enough)

    def until_all_are_there(self):
        with redis.Redis.from_url(self.server.url) as client:
            self.until(lambda: sum(client.zcard(name) for name in client.keys("*:workers")) == 4)


def undisturbed(run):
    run.until_more(2 * RATE)


def gone(run):
    run.server.stop()
    run.until_more(RATE)


def back(run):
    run.server.stop()
    run.server.start()
    run.server.wait()
    run.until_all_are_there()
    run.until_more(RATE // 2)


def slow(run):
    run.server.freeze()
    run.until_more(RATE)
    run.server.thaw()


def flushed(run):
    with redis.Redis.from_url(run.server.url) as client:
        client.flushall()
    run.until_more(RATE // 2)


SCENARIOS = {
    # What happens to four processes; of each its tasks, and by how many seconds its clocks are wrong.
    "undisturbed": (undisturbed, [(8, 0), (8, 0), (8, 0), (1, 0)]),
    "wrong clocks": (undisturbed, [(2, 3), (2, -3), (2, 0), (2, 0)]),
    **{fault.__name__: (fault, [(2, 0)] * 4) for fault in (gone, back, slow, flushed)},
}


@pytest.fixture(scope="module", params=KINDS)
def runs(request):
    """All scenarios at the same time, as they mostly wait."""
    with ExitStack() as stack:
        runs = {name: Run(request.param) for name in SCENARIOS}
        for run in runs.values():
            stack.callback(run.server.stop)
        for run in runs.values():
            run.server.wait()
        herd = stack.enter_context(
            herd_of(
                [[run.server.url, RATE, *one] for name, run in runs.items() for one in SCENARIOS[name][1]]
            )
        )
        times = list(chain(*(run.times for run in runs.values())))

        def read():
            for line in herd.stdout:
                number, moment = line.split()
                times[int(number)].append(float(moment))

        def play(name):
            run = runs[name]
            run.until(lambda: all(run.times))
            run.all_came = time.monotonic()
            SCENARIOS[name][0](run)

        with ThreadPoolExecutor(len(SCENARIOS) + 1) as pool:
            reading = pool.submit(read)
            try:
                list(pool.map(play, SCENARIOS))
            finally:
                herd.stdin.close()
            reading.result()
        yield runs


@contextmanager
def herd_of(workers):
    command = [sys.executable, "-W", "error", "-m", "tests.shared_rate.herd", json.dumps(workers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as herd:
        yield herd
    assert herd.returncode == 0


def test_R1_four_processes_keep_one_rate_and_none_starves(runs):
    run = runs["undisturbed"]
    assert run.most <= RATE
    assert run.used > 0.6
    # The last one makes one request at a time, the others eight.
    assert min(run.shares) >= 0.15 * sum(run.shares) / 4


def test_R2_clocks_that_are_wrong_by_seconds_make_no_difference(runs):
    run = runs["wrong clocks"]
    assert run.most <= RATE
    assert run.used > 0.6
    assert min(run.shares) >= 0.15 * sum(run.shares) / 4


@pytest.mark.parametrize("fault", ["gone", "slow"])
def test_R3_without_redis_each_keeps_to_its_share(runs, fault):
    run = runs[fault]
    assert run.most <= RATE
    assert min(run.shares) >= 0.3 * sum(run.shares) / 4


@pytest.mark.parametrize("fault", ["back", "flushed"])
def test_R3_a_redis_that_comes_back_empty_opens_no_burst(runs, fault):
    run = runs[fault]
    assert run.most <= RATE
    assert all(run.times)

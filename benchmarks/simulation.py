"""The pace against services that allow so many requests a second: simulated, in no time.

``python -m benchmarks.simulation`` prints, for each kind of service, the share of the allowed rate that was
used in a minute, and the share of requests that were refused.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count, product

from attrs import define, field

from chakra_async._pace import Rate, Window


Allowed = Callable[[float], float]
"""Requests a second at a time."""


class Service:
    """Says yes or no to a request, by the time it arrives."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed

    def allows(self, now: float) -> bool:
        raise NotImplementedError


class Bucket(Service):
    """A token bucket that holds what is allowed in some seconds."""

    def __init__(self, allowed: Allowed, seconds: float = 1.0) -> None:
        super().__init__(allowed)
        self._seconds = seconds
        self._tokens = math.inf
        self._then = 0.0

    def allows(self, now: float) -> bool:
        rate = self.allowed(now)
        self._tokens = min(max(1.0, self._seconds * rate), self._tokens + (now - self._then) * rate)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Windowed(Service):
    """Counts anew in every second of the clock, or in so many."""

    def __init__(self, allowed: Allowed, seconds: float = 1.0) -> None:
        super().__init__(allowed)
        self._seconds = seconds
        self._window = -1
        self._count = 0

    def allows(self, now: float) -> bool:
        if now // self._seconds != self._window:
            self._window, self._count = int(now // self._seconds), 0
        if self._count >= self._seconds * self.allowed(now):
            return False
        self._count += 1
        return True


class Sliding(Service):
    """Counts what it allowed in the second before."""

    def __init__(self, allowed: Allowed) -> None:
        super().__init__(allowed)
        self._past: deque[float] = deque()

    def allows(self, now: float) -> bool:
        while self._past and self._past[0] <= now - 1:
            self._past.popleft()
        if len(self._past) >= self.allowed(now):
            return False
        self._past.append(now)
        return True


@define
class Found:
    """What came of it."""

    used: float
    """Share of the allowed requests."""
    refused: float
    """Share of the requests that were sent."""
    by_second: list[int] = field(factory=list)
    refused_by_second: list[int] = field(factory=list)


def simulate(
    service: Service,
    *,
    latency: float,
    workers: int,
    seconds: int,
    seed: int,
    retry_after: float | None = 1.0,
) -> Found:
    """Let workers send all they may, as the client's gate lets them."""
    dice, rate, window = random.Random(seed), Rate(), Window(workers)
    accepted, refused = [0] * seconds, [0] * seconds
    flying: list[tuple[float, int, float, bool]] = []
    number = count()
    now = 0.0
    while True:
        while len(flying) < min(workers, window.size) and not (rate.limited and rate.wait(now) > 1e-9):
            rate.take(now)
            there = now + latency / 2 * dice.uniform(0.8, 1.2)
            arrival = (there, next(number), now, True)
            heapq.heappush(flying, arrival)
        opens = now + rate.wait(now) if rate.limited and len(flying) < min(workers, window.size) else math.inf
        at = flying[0][0] if flying else math.inf
        now = max(now, min(opens, at))
        if now >= seconds:
            break
        if at > now:
            continue
        at, _, sent, arriving = heapq.heappop(flying)
        if arriving:
            verdict = service.allows(at)
            back = at + latency / 2 * dice.uniform(0.8, 1.2)
            heapq.heappush(flying, (back, next(number) if verdict else -next(number), sent, False))
        elif _ >= 0:
            accepted[int(now)] += 1
            rate.answered(sent)
            window.answered(sent, now)
        else:
            refused[int(now)] += 1
            if rate.refused(sent, now, retry_after):
                window.overloaded(sent, now)
    total = sum(service.allowed(second) for second in range(seconds))
    sent_in_all = sum(accepted) + sum(refused)
    return Found(sum(accepted) / total, sum(refused) / sent_in_all, accepted, refused)


def _cases() -> Iterator[tuple[str, Callable[[Allowed], Service]]]:
    yield "a bucket of a second", Bucket
    yield "a bucket of a tenth", lambda allowed: Bucket(allowed, 0.1)
    yield "counted each second", Windowed
    yield "a sliding second", Sliding


def main() -> None:
    limits: dict[str, Allowed] = {
        "5/s": lambda _: 5,
        "20/s": lambda _: 20,
        "50/s": lambda _: 50,
        "300/s": lambda _: 300,
        "100, 40, 100/s": lambda now: 40 if 20 <= now < 40 else 100,
    }
    print(f"{'service':24}{'allowed':18}{'latency':>9}{'used':>8}{'refused':>9}")
    for (name, kind), (limit, allowed), latency in product(_cases(), limits.items(), (0.005, 0.05)):
        found = simulate(kind(allowed), latency=latency, workers=50, seconds=60, seed=1)
        print(f"{name:24}{limit:18}{1000 * latency:6.0f} ms{found.used:8.1%}{found.refused:9.2%}")


if __name__ == "__main__":
    main()

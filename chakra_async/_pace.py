"""How fast to go: learned from what the service answers. Pure: every method is told the time."""

from __future__ import annotations

import math
from typing import NamedTuple


class Growth(NamedTuple):
    """How the rate grows after a refusal, until the next."""

    hold: float
    """Seconds for which it stands."""
    step: float
    """By what share it has grown ``doubling`` seconds later."""
    doubling: float
    """Seconds in which what was added doubles at first."""
    faster: float = 0.0
    """By how much sooner it then doubles, again and again."""

    def share(self, age: float) -> float:
        """What it is after so many seconds, as a share of where it began."""
        beyond = (age - self.hold) / self.doubling
        return 1 + self.step * (2 ** min(beyond + self.faster * beyond**2, 99.0) - 1) if beyond > 0 else 1.0


SEARCH = Growth(0.0, 1.0, 0.25)
"""Nothing is known but how many went at first."""
LONG_WAIT = 0.05
"""A search doubles no sooner than in this share of the wait asked for: a long one is that of a long window,
whose end a quick search meets with all that may be in flight."""
APPROACH = Growth(2.5, 0.05, 2.0, 0.12)
"""The limit is not far."""
STEADY = Growth(8.0, 0.02, 2.0, 0.12)
"""The limit is known; it may be raised some day."""
LONGEST_HOLD, LONGER = 30.0, 1.9
"""A limit met again and again is tried again after up to so many seconds, each time so many times as many."""
SAFE, SAFER = 0.98, 0.965
"""Where to stay, as a share of what was computed, and of what went well a while before the refusal."""
LATE, LATE_REQUESTS = 1.0, 2.0
"""How long before, in seconds and in requests: where few go, a refusal comes some of them late."""
SOUGHT, VAGUE, SHARP = 0.97, 0.75, 2.0
"""The same of what a search has found, which is noticed late; and of that, if the burst before it came less
than so many times as fast as its bucket is refilled."""
UNLIKE = 1.25
"""How many times as much as the first burst a search may have needed, if both of them emptied a bucket."""
TRACED = 0.99
"""The same of a rate at which a shallow bucket was traced to have begun to empty."""
TICK = 0.1
"""Seconds by which it is traced."""
CONFIRMS = 1.15
"""A refusal of no more than so much of what stood before tells nothing new."""
FALLS = ((4.0, 0.97), (2.0, 0.95), (0.7, 0.88), (0.3, 0.75), (-math.inf, 0.7))
"""What is left of a rate that stood, by the seconds after which it was refused."""
LOWEST_FALL = 0.4
"""What is left at least, whatever the number of requests says that were accepted."""
ENOUGH = 5
"""Requests accepted, from which their number says something."""
DEEP = 0.8
"""Seconds to fill a bucket from which on a pause fills it by nearly as much as goes in a second."""
AGREE = 0.02
"""Two measurements that differ by no more than this share are believed."""
SAME_REFUSAL = 0.8
"""Refusals within so many seconds say the same thing."""
SHORTEST_PAUSE = 0.3
"""Seconds of quiet after a refusal, even where the service asks for less."""
RAMP = 0.1
"""After a pause, the first requests are spread over this share of it."""
CATCH_UP = 0.005
"""Seconds by which a late request may be made up for by the next."""
IDLE = 1.0
"""Seconds without requests after which a measurement begins anew."""
FORGET = 120.0
"""Seconds without refusals after which nothing is known any more."""

START = 6.0
"""Requests in flight to begin with."""
GROWTH = 0.5
"""How many more for each that is answered."""
AFTER_REFUSAL = 0.7
"""What is left of the window after a refusal."""
LATENCY_RISE = 2.0
"""How much longer than usual answers have to take to say that there is too much in flight."""
AFTER_RISE, LEAST_BY_LATENCY = 0.9, 10.0
"""What is then left of the window, and at least; a few at once can be no burden."""


def _refilled(latest: float, growth: float, number: int, seconds: float) -> float:
    """Tell by what a bucket is refilled, each second, that a burst emptied and a search emptied again.

    If ``x`` is that as a share of the search's latest rate, which grew by the factor e in ``1 / growth``
    seconds, then the search sent ``latest * (1 - x + x * log(x)) / growth`` beyond it, and the burst
    ``x * latest`` less than its number for each of its seconds.

    Returns:
        0 if no bucket behaves like that.
    """
    low, high, needed = 0.0, math.exp(-min(growth * seconds, 9.0)), math.inf
    for _ in range(20):
        share = (low + high) / 2
        needed = latest * (1 - share + share * math.log(share)) / growth + share * latest * seconds
        low, high = (share, high) if needed > number else (low, share)
    return low * latest if needed < UNLIKE * number else 0.0


class Rate:
    """Requests a second, as many as the service allows.

    Nothing is limited before the first 429. From then on requests are spaced evenly, and every refusal tells
    something of the limit, whatever its kind: the first, how many go at once (all that a window allows, or
    the depth of a bucket); a search that doubles the rate, how fast such a bucket is refilled; a later one,
    that the limit is near what went well until then. A refusal mostly costs a second of quiet, so a limit
    that is met again is tried again ever more seldom.
    """

    def __init__(self, most: float | None = None) -> None:
        self.most: float = math.inf if most is None else most
        """A limit set by the caller."""
        self.limited: bool = most is not None
        """Whether requests have to be spaced or held back at all."""
        self.not_before: float = 0.0
        self.refusals: int = 0
        """Requests answered 429."""
        self.accepted: int = 0
        """Requests sent since the last refusal, or since the last idleness, and answered otherwise."""
        self._base = math.inf
        self._growth = SEARCH
        self._burst = 0, 0.0
        self._asked = 0.0
        self._depth = 1.0
        self._shallow = False
        self._average = 0.0
        self._since = 0.0
        self._refused_at = -math.inf
        self._pause = 0.0
        self._idle = 0.0
        self._next = 0.0
        self._last = -math.inf

    def now(self, now: float) -> float:
        """Requests a second at this moment, ``inf`` while nothing limits them."""
        rate = self._base
        if rate < math.inf:
            if now - self._resumed > FORGET:
                self._base = rate = math.inf
            else:
                rate *= self._growth.share(now - self._resumed - self._idle)
        ramp = RAMP * self._pause
        if ramp > 0 and now < self.not_before + ramp:
            rate = min(rate, 20 / ramp)
        return min(rate, self.most)

    def wait(self, now: float) -> float:
        """Seconds until the next request may go."""
        return max(self.not_before, self._next) - now

    def take(self, now: float) -> None:
        """Count a request that goes now."""
        if now - max(self._last, self.not_before) > IDLE:
            # What is accepted from now on tells what is allowed; what was not asked for tells nothing.
            self._since, self.accepted = now, 0
        self._last = now
        if self.limited:
            rate = self.now(now)
            earliest = now - CATCH_UP
            if self._next < earliest:
                # Where fewer requests come than may go, the rate does not grow: nothing would be known of it.
                self._idle += earliest - max(self._next, self._resumed)
                self._next = earliest
            self._next += 1 / rate
            self.limited = rate < math.inf or now < self.not_before

    def pause(self, seconds: float, now: float) -> None:
        """Let nothing go for so many seconds; a later deadline already set stays."""
        if now + seconds > self.not_before:
            self.not_before, self._pause = now + seconds, seconds
            self._next = max(self._next, self.not_before)
            self.limited = True

    def answered(self, sent: float) -> None:
        """Count an answer other than 429 to a request sent at ``sent``."""
        if sent > self._refused_at:
            self.accepted += 1
        elif self._searching and self._base < math.inf:
            # The first refusal had overtaken it.
            number, seconds = self._burst
            self._base *= 1 + 1 / number
            if sent <= self._asked:
                self._burst = number + 1, seconds

    def refused(self, sent: float, now: float, wait: float | None = None) -> bool:
        """Learn from a 429 to a request sent at ``sent``, and pause; return whether it told anything new."""
        self.refusals += 1
        seconds = max(wait or 0.0, SHORTEST_PAUSE)
        new = sent > self._refused_at and now - self._refused_at >= SAME_REFUSAL
        if new:
            self._learn(sent, now, seconds)
            self._since, self.accepted, self._refused_at, self._idle = now, 0, now, 0.0
        self.pause(seconds, now)
        return new

    @property
    def _resumed(self) -> float:
        """When requests went again after the last refusal."""
        return max(self._refused_at, self.not_before)

    @property
    def _searching(self) -> bool:
        return self._growth.hold == SEARCH.hold

    def _learn(self, sent: float, now: float, seconds: float) -> None:
        age = sent - self._resumed - self._idle
        if self._base == math.inf:
            self._begin(sent, now, seconds)
        elif self._searching:
            self._find(self._base * self._growth.share(age), now - self._resumed)
        elif age > self._growth.hold:
            self._step_back(age)
        else:
            self._fall(now - self._resumed)

    def _begin(self, sent: float, now: float, seconds: float) -> None:
        """Take what went so far as what may go until requests go again."""
        if self.accepted:
            self._burst = self.accepted, sent - max(self._since, self._resumed)
            self._asked = sent
            self._base = SAFE * self.accepted / max(now - self._since, seconds, 1.0)
            self._growth = SEARCH._replace(doubling=max(SEARCH.doubling, LONG_WAIT * seconds))

    def _find(self, latest: float, lasted: float) -> None:
        """Compute the limit from the first burst, and from how far the search came.

        A bucket was emptied twice, by the burst and by all that the search sent beyond the limit. A window of
        a second is used up before the search comes to ``1 + growth`` times the limit.
        """
        number, seconds = self._burst
        growth = math.log(2) / self._growth.doubling
        bucket = _refilled(latest, growth, number, seconds)
        window = min(latest / (1 + growth), number / max(seconds, 1.0))
        slow = number < SHARP * bucket * seconds
        found = max((VAGUE if slow else SOUGHT) * bucket, SAFE * window)
        if found > self._base / SAFE:
            self._base, self._growth = found, STEADY if bucket > window and not slow else APPROACH
        else:
            # More than the burst: of the next window a part, or of a bucket what came in meanwhile.
            self._growth = APPROACH if self.accepted > 1.3 * number else STEADY
            second = SAFE * self.accepted / max(lasted, 1.0)
            if self.accepted >= ENOUGH and second < 0.95 * self._base:
                # The burst had ended one window and begun the next.
                self._base = second
        self._depth = min(1.0, number / self._base)
        self._shallow = self._depth < DEEP and not slow

    def _step_back(self, age: float) -> None:
        """Go back to what went well before it became too much."""
        safe, lag = (TRACED, self._lag(age)) if self._shallow else (SAFER, LATE + LATE_REQUESTS / self._base)
        grown = safe * self._growth.share(age - lag)
        longer = max(STEADY.hold, min(LONGEST_HOLD, LONGER * self._growth.hold))
        self._base *= grown
        self._growth = STEADY._replace(hold=longer) if grown < CONFIRMS else APPROACH

    def _lag(self, age: float) -> float:
        """Tell how long before a refusal a rate that grows had come to the limit of a shallow bucket.

        The bucket bears what is sent beyond the limit until it is empty.
        """
        lag, sent = 0.0, 0.0
        while lag < age and sent - lag * self._growth.share(age - lag) < self._depth:
            sent += TICK * self._growth.share(age - lag)
            lag += TICK
        return lag

    def _fall(self, lasted: float) -> None:
        """Let go of a rate that was refused without having grown."""
        share = next(share for seconds, share in FALLS if lasted >= seconds)
        if lasted < 1 and self.accepted >= ENOUGH:
            allowed = SAFE * self.accepted / (lasted + self._depth * (1 - lasted))
            share = min(share, max(LOWEST_FALL, allowed / self._base))
        # A deep bucket was refilled in the pause: that is how its average is always the same.
        average = self.accepted / max(lasted + self._pause, SHORTEST_PAUSE)
        alike = abs(average - self._average) < AGREE * self._average
        agree = alike and self._depth > DEEP and average < share * self._base
        self._base = SAFE * average if agree else share * self._base
        self._growth = STEADY if agree or share >= 0.95 else APPROACH
        self._average = average


class Window:
    """How many at once: grows while answers come as fast as ever, falls on refusals and rising latency.

    It begins small and grows by half of what succeeds, so that a burst which the service refuses is small;
    and a little by itself, so that calls which hang hold up no others for long. Latency is judged by itself:
    the recent average against a long one, so that calls of any kind may mix.
    """

    def __init__(self, most: int) -> None:
        self.size: float = min(START, most)
        self._most = most
        self._recent = 0.0
        self._usual = 0.0
        self._samples = 0
        self._fell = -math.inf

    def answered(self, sent: float, now: float) -> None:
        """Learn from an answer to a request sent at ``sent``."""
        seconds = now - sent
        if self._samples < 50:
            self._samples += 1
            self._recent = self._usual = self._usual + (seconds - self._usual) / self._samples
        else:
            self._recent += (seconds - self._recent) / 16
            self._usual += (seconds - self._usual) / 500
            if self._recent > LATENCY_RISE * self._usual + 0.01:
                if sent > self._fell and self.size > LEAST_BY_LATENCY:
                    self.size = max(LEAST_BY_LATENCY, self.size * AFTER_RISE)
                    self._fell = now
                return
        if self.size < self._most:
            self.size = min(self._most, self.size + GROWTH)

    def overloaded(self, sent: float, now: float) -> None:
        """Learn from a 429, a 503 or no answer to a request sent at ``sent``."""
        if sent > self._fell:
            self.size = max(1.0, self.size * AFTER_REFUSAL)
            self._fell = now

    @property
    def seconds_to_grow(self) -> float:
        """After how long without any answer one more may go."""
        return 0.01 if self._fell == -math.inf else 0.5

    def grow(self) -> None:
        """Let one more go."""
        self.size = min(self._most, self.size + 1)

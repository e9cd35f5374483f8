"""How fast to go: learned from what the service answers. Pure: every method is told the time."""

from __future__ import annotations

import math


STEADY = 5.0, 12.0
"""Seconds until the rate is again where it was refused, and again until it is clearly beyond.

From the one to the other, with every refusal that tells only what was known.
"""
ENOUGH = 10
"""Requests accepted, from which their number tells what is allowed."""
MARGIN = 0.98
"""Where to, as a share of the refused rate."""
FALLS = ((4.0, 0.95), (1.0, 0.85), (0.3, 0.7), (0.0, 0.5))
"""After so many seconds without a refusal, the next lets the rate fall to this share at most."""
DOUBLE = 1.5
"""Seconds in which the rate doubles where nothing is known."""
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


class Rate:
    """Requests a second, as many as the service allows.

    Nothing is limited before the first 429, which tells a first, rough measure: what was accepted so far.
    From then on requests are spaced evenly. After each further refusal the rate falls, by little where it
    was accepted for long and by much where it was refused at once, comes back to just below the refused
    rate, stays there for a while, and then goes beyond it, slowly at first, as the windows of TCP CUBIC do:
    a limit that stands is met seldom, one that was raised is found.
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
        """Requests answered otherwise since the last refusal, or since the last idleness."""
        self._since = 0.0
        self._floor = math.inf
        self._mark = math.inf
        self._searching = False
        self._steady = STEADY[0]
        self._refused_at = -math.inf
        self._pause = 0.0
        self._next = 0.0
        self._last = -math.inf

    def now(self, now: float) -> float:
        """Requests a second at this moment, ``inf`` while nothing limits them."""
        rate = self._mark
        if rate < math.inf:
            age = now - max(self._refused_at, self.not_before)
            if age > FORGET:
                self._mark = rate = math.inf
            elif self._searching:
                rate *= 2 ** (max(age, 0.0) / DOUBLE)
            elif age < self._steady:
                rate -= (rate - self._floor) * (1 - max(age, 0.0) / self._steady) ** 3
            else:
                beyond = age / self._steady - 1
                rate *= 1 + 0.05 * min(beyond, 1.0) ** 3
                rate *= 2 ** (max(beyond - 1, 0.0) * self._steady / (2 * DOUBLE))
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
            self._next = max(self._next, now - CATCH_UP) + 1 / rate
            self.limited = rate < math.inf or now < self.not_before

    def pause(self, seconds: float, now: float) -> None:
        """Let nothing go for so many seconds; a later deadline already set stays."""
        if now + seconds > self.not_before:
            self.not_before, self._pause = now + seconds, seconds
            self.limited = True

    def refused(self, sent: float, now: float) -> bool:
        """Learn from a 429 to a request sent at ``sent``; return whether it told anything new."""
        self.refusals += 1
        if sent <= self._refused_at or now - self._refused_at < SAME_REFUSAL:
            return False
        latest, elapsed = self.now(sent), now - self._since
        average = self.accepted / elapsed if elapsed > 0 else 0.0
        self._searching = self._mark == math.inf
        lasted = now - max(self._refused_at, self.not_before)
        stood = self._mark
        if self._searching:
            self._floor = self._mark = average or math.inf
        elif lasted < 2 and self.accepted >= ENOUGH and latest > 2 * average:
            self._floor = self._mark = 1.1 * average
        elif lasted > self._steady and latest > stood:
            # It stood well for long, so that the limit is between it and what was refused now.
            self._floor = max(MARGIN * stood, 0.6 * latest)
            self._mark = max(MARGIN * (0.7 * stood + 0.3 * latest), 0.75 * latest)
        else:
            share = next((share for seconds, share in FALLS if lasted >= seconds), FALLS[-1][1])
            self._floor = min(latest, max(average, share * latest))
            self._mark = MARGIN * latest if share == FALLS[0][1] else (self._floor + latest) / 2
        known = lasted > self._steady and latest < 1.15 * stood
        self._steady = min(STEADY[1], 1.5 * self._steady) if known else STEADY[0]
        self.limited = True
        self._since, self.accepted, self._refused_at = now, 0, now
        return True


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

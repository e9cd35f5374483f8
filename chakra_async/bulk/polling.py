"""When to look at a background job again. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


FIRST = 0.05
"""Age at which a job is looked at about which nothing is known."""
AT_ONCE = 0.01
"""The same of the first of many, in case that they take next to no time."""
SHORTEST = 0.005
"""Seconds between two looks at least."""
INSTANT = 0.0005
"""What a job takes that takes no time."""
LONGEST = 30.0

GROWTH = 0.25
"""Of a job about which nothing is known, the share of its age after which it is looked at again: so its end
is noticed within 25 % of its duration, and 12 % in the middle."""
STEP = 0.12
"""The same of a job that should end about now, or is overdue."""
MOST_STEPS = 4
"""Looks at a job between the soonest and the latest time at which it should end."""
FIRM = 0.05
"""Share of its rows that have to be done before the end of a job is foretold; else its middle is."""
MARGIN = 0.025
"""Share of its age by which a job may take longer than its counts foretell."""
REMEMBERED = 16


class JobPace:
    """Learns how long jobs take, so that each is looked at rarely and its end is noticed soon.

    What a job takes is a time of its own and a time for each row, told apart by recent jobs of different
    sizes, by least squares. By how much jobs differ from that says when to begin looking for an end, and
    when it is overdue.

    A service that works on few jobs at once lets the others wait. So among fewer jobs one is expected in
    proportion sooner, for those before it may have done nothing but wait, yet not before the quickest that
    was among as few.
    """

    def __init__(self, first: float = FIRST) -> None:
        """Have the first job looked at ``first`` seconds after it was submitted."""
        self.first = first
        # Never changed in place, for a client may have loops in several threads.
        self._recent: tuple[tuple[int, int, float], ...] = ()
        self._largest = 0
        self._mean_rows = self._mean_seconds = self._per_row = 0.0
        self.batch: int = 0
        """What every count of finished rows was a multiple of."""
        self.haste: float = 1.0
        """Of the time that was foretold by counts, the share that jobs needed: less where they wait first."""
        self.latency: float = 0.0
        """Seconds from asking for a job to the answer."""
        self.looks: dict[int, float] = {}
        """The age at which a job was last looked at, by the bits of its size, as long as nothing is known."""

    @property
    def counts_grow(self) -> bool:
        """Whether the counts of a job were ever seen to grow before its end."""
        return self.batch > 0

    def window(self, rows: int, among: int = 1) -> tuple[float, float] | None:
        """Tell between which ages (seconds) a job of ``rows`` rows is likely to end, if that is known.

        Of one much larger than all before it is not. Of the ``among`` jobs under way it is the latest.
        """
        if not self._recent or rows > 2 * self._largest:
            return None
        expected = self._expected(rows)
        found = [(took / self._expected(size), among / then) for size, then, took in self._recent]
        # Among more jobs none takes less.
        least = min((ratio for ratio, share in found if share >= 1), default=0.0)
        ratios = sorted(max(min(ratio, least), ratio * min(1.0, share)) for ratio, share in found)
        # Of the few seen at first, those to come will differ more than they do.
        doubt = 0.4 / len(ratios) ** 2
        early, late = _quantile(ratios, 0.1), _quantile(ratios, 0.95)
        return expected * early * (1 - doubt / 2), expected * late * (1 + doubt)

    def learn(self, rows: int, seconds: float, among: int = 1) -> None:
        """Remember how long a job of ``rows`` rows took, the latest of ``among`` when it was sent."""
        latest = max(rows, 1), among, max(seconds, INSTANT)
        self._recent = (*self._recent, latest)[-REMEMBERED:]
        self._largest = max(self._largest, rows)
        self._fit()

    def counted(self, processed: int) -> None:
        """Remember how many rows of a job were done while it went on."""
        self.batch = math.gcd(self.batch, processed)

    def foretold(self, rest: float, needed: float) -> None:
        """Remember what a job still needed when its counts foretold ``rest`` seconds."""
        self.haste += 0.5 * (min(2.0, max(0.2, needed / rest)) - self.haste)

    def answered(self, seconds: float) -> None:
        """Remember how long a look took; one that had to be repeated says little."""
        change = seconds - self.latency
        self.latency += change * (0.5 if change < 0 else 0.1)

    def _fit(self) -> None:
        # By the squares of relative errors, or short jobs would be told by the differences of long ones.
        points = [(1 / (seconds * seconds), rows, seconds) for rows, _, seconds in self._recent]
        whole = sum(weight for weight, _, _ in points)
        self._mean_rows = sum(weight * rows for weight, rows, _ in points) / whole
        self._mean_seconds = sum(weight * seconds for weight, _, seconds in points) / whole
        self._per_row = self._mean_seconds / self._mean_rows
        variance = sum(weight * (rows - self._mean_rows) ** 2 for weight, rows, _ in points)
        if variance:
            covariance = sum(weight * (rows - self._mean_rows) * seconds for weight, rows, seconds in points)
            self._per_row = min(self._per_row, max(0.0, covariance / variance))

    def _expected(self, rows: int) -> float:
        return max(INSTANT, self._mean_seconds + self._per_row * (rows - self._mean_rows))


class Watch:
    """Tells when to look at one job. Ages are seconds since the answer that told of it.

    Args:
        pace: what is known of jobs like this.
        rows: how many rows it has.
        processed: how many of them were done at age 0.
        among: jobs that were under way when it was sent, itself included.
    """

    def __init__(self, pace: JobPace, rows: int, processed: int = 0, among: int = 1) -> None:
        self.rows: int = rows
        self._pace = pace
        self._among = among
        self._at_first = processed
        self._before = self._seen = (0.0, processed)
        self._steady = True
        self._last = 0.0

    def wait(self, age: float) -> float:
        """Return the seconds until it should be asked whether to look, or 0: look now."""
        # What is asked for now arrives later.
        age += min(self._pace.latency, GROWTH * age)
        due = min(self._due(age), self._last + LONGEST)
        return min(max(0.0, due - age), LONGEST)

    def unfinished(self, age: float, processed: int) -> None:
        """Note that the job went on at this age, with so many rows done."""
        self._last = age
        if age < FIRST and self._pace.window(self.rows, self._among) is None:
            # Far too soon to foretell anything.
            return
        since, had = self._seen
        if had < processed < self.rows:
            # It may have waited for others: when it began is known once it was seen under way twice, or soon.
            self._steady = had > self._at_first or (since == 0.0 and age <= 2 * FIRST)
            self._before, self._seen = self._seen, (age, processed)
            self._pace.counted(processed)
        elif had == self._at_first:
            self._seen = age, had

    def ended(self, age: float, seconds: float | None) -> None:
        """Note that it was found ended at this age, having taken ``seconds`` by the service's own word."""
        if seconds is None:
            if self._at_first:
                # How long it had run before is not known.
                return
            if (rest := self._rest()) is not None:
                seconds = min(self._seen[0] + rest, age)
            else:
                # Somewhere between two looks; and found by the first, perhaps long before.
                seconds = (self._last + age) / 2 if self._last else 0.7 * age
        elif seconds > (1 + GROWTH) * age + FIRST:
            # It was there long before it was followed, or the service's clock is wrong.
            return
        elif (rest := self._rest()) is not None and rest > STEP * self._seen[0]:
            self._pace.foretold(rest, seconds - self._seen[0])
        self._pace.learn(self.rows, max(seconds, self._last), self._among)

    def _due(self, age: float) -> float:
        """Return the age at which to look."""
        window = self._pace.window(self.rows, self._among)
        if (rest := self._rest()) is not None:
            seen = self._seen[0]
            # Counts that have stopped growing foretell nothing.
            share = MARGIN if seen == self._last else STEP
            late = 0.0 if window is None else window[1]
            if self._seen[1] < FIRM * self.rows:
                rest /= 2
            end = max(seen + rest * self._pace.haste, self._last) + max(SHORTEST, share * self._last)
            return end if self._steady else min(end, max(self._last + max(FIRST, GROWTH * self._last), late))
        if window is not None:
            return self._within(*window)
        return self._shared(age)

    def _rest(self) -> float | None:
        """Tell from the counts how long after they were last seen to grow it should end."""
        (since, had), (seen, processed) = self._before, self._seen
        if processed <= had:
            return None
        # Counts that grow by batches may be a whole one behind; aimed at is the soonest end they allow.
        batch = self._pace.batch
        return (seen - since) * max(0, self.rows - processed - batch) / (processed - had + batch)

    def _within(self, early: float, late: float) -> float:
        """Look where jobs like this end, in steps."""
        if self._pace.counts_grow and self._last < early:
            # One look before the end tells when it will be.
            return max(early, self._last + SHORTEST)
        if late < SHORTEST and not self._last:
            return late
        looks = min(MOST_STEPS, max(1, round((late - early) / (STEP * early))))
        step = max(SHORTEST, (late - early) / looks)
        done = max(0, math.floor((self._last - early) / step + 0.5))
        if done < looks:
            return early + (done + 1) * step
        share = STEP if self._last < 2 * late else GROWTH
        return self._last + max(SHORTEST, share * self._last)

    def _shared(self, age: float) -> float:
        """Look at ever longer intervals, and share them with jobs of the same size that are as unknown."""
        looks = self._pace.looks
        last = looks.get(self.rows.bit_length(), 0.0)
        own = self._last + max(FIRST, GROWTH * self._last) if last else self._pace.first
        if last and self._pace.counts_grow:
            # Each tells more about itself than about the others.
            return own
        due = max(own, min(last + max(FIRST / 4, STEP * last), 3 * self._last))
        if age >= due:
            looks[self.rows.bit_length()] = max(age, last)
        return due


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = ordered[math.floor(place)]
    return low + (ordered[math.ceil(place)] - low) * (place % 1)

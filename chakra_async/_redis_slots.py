"""Moments to send a request at, handed out by Redis one after another to any number of workers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import uuid4

from chakra_async.settings import RedisUrl


try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "Limits.shared_rate needs redis: pip install 'path/to/chakra_async[redis]'", name=missing.name
    ) from None


FAILURES: Final = (redis.RedisError, OSError)
"""What is raised when Redis cannot be reached, or refuses."""
TIMEOUT: Final = 0.5
"""Seconds that Redis may take to connect, and again to answer."""
FORGET: Final = 30.0
"""Seconds without a word from a worker after which it is no longer counted."""

# Slots follow one another at the distance of one interval (GCRA without a burst). All times are microseconds
# by the clock of Redis: what the hosts' own clocks say plays no part.
_SCRIPT: Final = """
local me, wanted, interval = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local known_epoch, known_workers, was_alone = ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1'
local wanted_by, quiet, forget = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function whole(number) return string.format('%.0f', number) end
if wanted_by > 0 and now > wanted_by then return redis.error_reply('LATE nobody waits for this') end

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(now - forget))
redis.call('ZADD', KEYS[2], whole(now), me)
local workers = redis.call('ZRANGE', KEYS[2], 0, -1)
table.sort(workers)
local rank = 0
while workers[rank + 1] ~= me do rank = rank + 1 end

quiet = quiet + math.max(#workers, known_workers) * interval
local epoch = redis.call('HGET', KEYS[1], 'epoch') or whole(now)
local slot = tonumber(redis.call('HGET', KEYS[1], 'slot') or 0)
-- Nobody reserves further ahead than this, unless the clock was put back.
slot = math.min(math.max(slot, now), now + 2 * quiet)
local keys_were_lost = known_epoch ~= '' and known_epoch ~= epoch
local first_to_return = was_alone and slot == now
if keys_were_lost or first_to_return then slot = math.max(slot, now + quiet) end

redis.call('HSET', KEYS[1], 'epoch', epoch, 'slot', whole(slot + wanted * interval))
redis.call('EXPIRE', KEYS[1], 3600)
redis.call('EXPIRE', KEYS[2], 3600)
return {whole(now), whole(slot), #workers, rank, epoch}
"""


class Reservation(NamedTuple):
    """Slots that are ours, and what there is to know about the others."""

    first: float
    """When the first slot is, by our clock; the others follow at the interval."""
    workers: int
    """How many workers there are, with this one."""
    rank: int
    """Which of them this one is, from 0; all see the same order."""
    offset: float
    """Seconds by which the clock of Redis is ahead of ours."""
    epoch: Any
    """Changes when the keys in Redis were lost."""

    def turn(self, after: float, interval: float) -> float:
        """Return the first slot after some moment that is ours without asking: each worker has every nth."""
        turns = self.workers * interval
        ours = self.rank * interval - self.offset
        return math.ceil((after - ours) / turns) * turns + ours


class RedisSlots:
    """The slots of one rate, for one worker.

    Methods block, may be called in any thread, and raise one of ``FAILURES``.

    Args:
        url: the Redis.
        name: whose rate it is.
        interval: seconds from slot to slot.
        quiet: seconds for which no slot is handed out after the keys were lost, or when the first worker
            returns after all had lost Redis; one interval for each worker comes on top.
        clock: seconds from anywhere, never going back.
    """

    def __init__(
        self,
        url: RedisUrl,
        name: str,
        *,
        interval: float,
        quiet: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._id = uuid4().hex
        # The braces keep both keys in one slot of a cluster.
        self._keys = (f"chakra_async:rate:{{{name}}}", f"chakra_async:rate:{{{name}}}:workers")
        self._interval = interval * 1e6
        self._times = (quiet * 1e6, FORGET * 1e6)
        client: Any = redis.Redis
        # One more try at once, for a connection that was dropped while nothing was asked; but not for an
        # answer that does not come, on which everybody is to agree soon.
        again = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._redis: redis.Redis = client.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=again
        )
        self._run: Callable[..., list[Any]] = self._redis.register_script(_SCRIPT)

    def reserve(self, wanted: int, before: Reservation | None, *, alone: bool) -> Reservation:
        """Reserve the next slots, or with ``wanted=0`` just tell that this worker is there.

        Args:
            wanted: how many.
            before: what was returned the last time.
            alone: whether Redis was lost since.
        """
        epoch, workers = ("", 0) if before is None else (before.epoch, before.workers)
        # What reserves nothing is never too late, as it tells us how late it is.
        wanted_by = (self._clock() + TIMEOUT + before.offset) * 1e6 if before is not None and wanted else 0
        known = (epoch, workers, int(alone), wanted_by)
        asked = self._clock()
        reply = self._run(self._keys, (self._id, wanted, self._interval, *known, *self._times))
        came = self._clock()
        now, slot, workers, rank = (int(value) for value in reply[:4])
        # The truth is in between; at first the end that makes nobody too early.
        least, most = now / 1e6 - came, now / 1e6 - asked
        offset = least if before is None else min(max(before.offset, least), most)
        return Reservation(slot / 1e6 - offset, workers, rank, offset, reply[4])

    def leave(self) -> None:
        """Be counted no longer."""
        self._redis.zrem(self._keys[1], self._id)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

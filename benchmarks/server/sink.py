"""``python -m benchmarks.server.sink``: just enough HTTP/1.1 for well-behaved clients, as fast as a loop can.

It prints its port and serves until it is terminated. ``GET /sink/statistics`` tells what it has seen.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time

import orjson

from benchmarks.harness.machine import LOOPS, end_with_parent, pin
from benchmarks.server.answers import ALL_ENTRIES, ONE_PROCESS, answer, encode, page
from benchmarks.server.jobs import Jobs
from benchmarks.server.limits import LIMITS, Limit


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
Change = tuple[float, float]
"""Seconds after the first request that is limited, and the rate from then on."""

_JOB = b"/v1/ext/background-job/job-"


class Sink:
    """What all connections share."""

    def __init__(self, jobs: Jobs, latency: float, limit: Limit | None, changes: list[Change]) -> None:
        self.latency = latency
        self._jobs = jobs
        self._limit = limit
        self._changes = changes
        self._seconds: dict[int, list[float]] = {}
        self.requests = 0
        self.bytes = 0

    def reply(self, head: bytes, body: bytearray, start: int, stop: int) -> bytes:
        """Answer the request with this head, whose body is ``body[start:stop]``."""
        method, path, _ = head[: head.index(b"\r")].split(b" ", 2)
        if path == b"/sink/statistics":
            return answer(encode(self._statistics()))
        self.requests += 1
        self.bytes += len(head) + stop - start
        if self._limit is not None and (refusal := self._refusal(self._limit)):
            return refusal
        if method == b"PATCH":
            return self._jobs.submit(body.count(b'"update":', start, stop))
        if path.startswith(_JOB):
            number, _, rest = path[len(_JOB) :].partition(b"/")
            return ALL_ENTRIES if rest else self._jobs.poll(int(number))
        if path.endswith(b"/process/list"):
            asked = orjson.loads(body[start:stop])
            return page(asked.get("skip", 0), asked.get("limit", 10))
        return ONE_PROCESS

    def _refusal(self, limit: Limit) -> bytes:
        now = time.time()
        if not self._seconds:
            for seconds, rate in self._changes:
                asyncio.get_running_loop().call_later(seconds, setattr, limit, "rate", rate)
        wait = limit.refuse(now)
        second = self._seconds.setdefault(int(now), [0, 0, limit.rate])
        second[wait > 0] += 1
        second[2] = limit.rate
        if not wait:
            return b""
        return answer(
            b'{"_data":[],"_errors":["Too many requests"]}',
            b"429 Too Many Requests",
            b"Retry-After: %d\r\n" % wait,
        )

    def _statistics(self) -> dict[str, object]:
        return {
            "requests": self.requests,
            "bytes": self.bytes,
            "seconds": self._seconds,
            "jobs": self._jobs.statistics(),
        }


class Connection(asyncio.Protocol):
    """One connection; the next request is not read before the last is answered."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._received = bytearray()
        self._body = self._end = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        while received:
            if not self._end:
                head = received.find(b"\r\n\r\n")
                if head < 0:
                    return
                length = _LENGTH.search(received, 0, head + 2)
                self._body = head + 4
                self._end = self._body + (int(length[1]) if length else 0)
            if len(received) < self._end:
                return
            reply = self._sink.reply(bytes(received[: self._body]), received, self._body, self._end)
            del received[: self._end]
            self._end = 0
            if self._sink.latency:
                asyncio.get_running_loop().call_later(self._sink.latency, self._write, reply)
            else:
                self._transport.write(reply)

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


def _change(text: str) -> Change:
    seconds, rate = text.split(":")
    return float(seconds), float(rate)


async def _serve(sink: Sink) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server.sink", description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--rate", type=float, help="requests a second; what is above gets 429")
    parser.add_argument(
        "--change", type=_change, action="append", default=[], help="SECONDS:RATE, from then on"
    )
    parser.add_argument("--limit", choices=LIMITS, default="window", help="how the rate is counted")
    parser.add_argument("--job-seconds", type=float, default=0.0, help="how long a job of 1,000 rows takes")
    parser.add_argument("--job-spread", type=float, default=0.2, help="differences between jobs, a share")
    parser.add_argument("--no-progress", action="store_true", help="counts jump when a job ends")
    parser.add_argument("--cpu", type=int, help="run on this processor only")
    options = parser.parse_args()
    pin(options.cpu)
    end_with_parent()
    jobs = Jobs(options.job_seconds, options.job_spread, progress=not options.no_progress)
    limit = LIMITS[options.limit](options.rate) if options.rate else None
    with asyncio.Runner(loop_factory=LOOPS.get("uvloop", LOOPS["asyncio"])) as runner:
        runner.run(_serve(Sink(jobs, options.latency, limit, options.change)))


if __name__ == "__main__":
    main()

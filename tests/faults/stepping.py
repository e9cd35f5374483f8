"""Cancel a task at its n-th suspension, for every n."""

import asyncio
from collections.abc import Coroutine

from attrs import define


@define(kw_only=True)
class Cancel:
    """When the task is cancelled.

    Attributes:
        at: at which suspension, counted over all tasks that the scenario has begun.
        woken: not at the suspension itself, but once what is waited for is there; the result is then lost.
        again: also at every later suspension, as the cancel scopes of anyio do.
    """

    at: int
    woken: bool = False
    again: bool = False


WAYS = {"once": {}, "woken": {"woken": True}, "again": {"again": True}}


class Stepper:
    """Runs scenarios in the running loop, and cancels each where it was told to."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        self._make = loop.get_task_factory() or _task
        loop.set_task_factory(self._factory)
        self._victim = None
        self._when = None
        self.suspensions = 0
        self.going_on = []
        """What tasks there were at the very moment at which the scenario had ended."""

    async def run(self, scenario, when):
        """Run a scenario to its end, and return its task."""
        self.suspensions, self._when = 0, when
        # Made without the factory: an eager task would suspend before anyone knew of it.
        self._victim = task = asyncio.Task(_Counted(scenario, self._suspended))
        await asyncio.wait([task])
        self._victim = None
        return task

    async def every_step(self, scenario, check, way, *, most=400):
        """Cancel a scenario at its first suspension, then at its second, and so on until it gets through.

        Args:
            scenario: makes the coroutine; called anew each time.
            check: called after each with its task and the number of the suspension.
            way: how it is cancelled, one of ``WAYS``.
            most: suspensions that are too many.

        Returns:
            How often it was cancelled.
        """
        for number in range(1, most):
            task = await self.run(scenario(), Cancel(at=number, **WAYS[way]))
            self.going_on = [getattr(one.get_coro(), "__qualname__", "") for one in asyncio.all_tasks()]
            # What was closed or cancelled takes a few steps to be gone.
            for _ in range(10):
                await asyncio.sleep(0)
            check(task, number)
            if not task.cancelled():
                # A cancellation comes out as such, or came too late.
                task.result()
            if self.suspensions < number:
                return number - 1
        raise AssertionError(f"more than {most} suspensions")

    def _factory(self, loop, coroutine, **options):
        return self._make(loop, _Counted(coroutine, self._suspended), **options)

    def _suspended(self, awaited):
        victim, when = self._victim, self._when
        if victim is None or victim.done():
            return
        self.suspensions += 1
        if self.suspensions < when.at or (self.suspensions > when.at and not when.again):
            return
        if when.woken and awaited is not None:
            awaited.add_done_callback(lambda _: victim.cancel())
        else:
            victim.cancel()


def _task(loop, coroutine, **options):
    return asyncio.Task(coroutine, loop=loop, **options)


class _Counted(Coroutine):
    """A coroutine that tells of its suspensions."""

    def __init__(self, coroutine, suspended):
        self.__qualname__ = getattr(coroutine, "__qualname__", "")
        self._coroutine = coroutine
        self._suspended = suspended

    def send(self, value):
        return self._tell(self._coroutine.send(value))

    def throw(self, *error):
        return self._tell(self._coroutine.throw(*error))

    def close(self):
        self._coroutine.close()

    def __await__(self):
        return self._coroutine.__await__()

    def _tell(self, awaited):
        self._suspended(awaited)
        return awaited

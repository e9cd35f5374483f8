"""Waiting for what other threads and processes do."""

import time


def until(condition, *, pause=0.001):
    """Wait until a condition holds, and return what it found."""
    end = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(pause)
    return found

"""Words for people: numbers, durations, and text from elsewhere made fit to be shown."""

from __future__ import annotations

import re
import shlex


_SETTING = re.compile(r"(?<![-\w])(format|delimiter|encoding|data|overwrite)=(?='?)")
_TIMEZONE = "give a timezone for"


def clean(text: object, limit: int = 300) -> str:
    """Make one line of ``text`` that no terminal can take for a command."""
    shown = str(text)[: 2 * limit]
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in shown).split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def as_options(text: str) -> str:
    """Say in options what the library says in parameters: ``--encoding 'x'`` for ``encoding='x'``."""
    text = text.replace(_TIMEZONE, "give --timezone for")
    return _SETTING.sub(r"--\1 ", text).replace("  ", " ").replace(" ,", ",")


def quoted_path(name: str) -> str:
    """Write the name of a file so that it can be pasted into a command."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 job``, ``1,204 jobs``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def counted_rows(total: int, before: int) -> str:
    """``8,400 rows``; ``8,400 rows, 1,200 of them by earlier runs,``."""
    rows = counted(total, "row")
    return f"{rows}, {before:,} of them by earlier runs," if before else rows


def duration(seconds: float, digits: int = 1) -> str:
    """``2.4 s``, ``26 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.{digits}f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"

"""What the commands about webhooks share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click


F = TypeVar("F", bound=Callable[..., Any])

_VARIABLE = "CHAKRA_WEBHOOK_SECRET"


def secret_option(purpose: str) -> Callable[[F], F]:
    """Add ``--secret-file``; the command gets ``secret``, which is ``None`` when there is none."""
    return click.option(
        "--secret-file",
        "secret",
        metavar="FILE",
        callback=_secret,
        help=f"File with the secret {purpose}.  [default: the secret in {_VARIABLE}]",
    )


def _secret(_ctx: click.Context, _parameter: click.Parameter, file: str | None) -> str | None:
    if file is None:
        return os.environ.get(_VARIABLE, "").strip() or None
    try:
        secret = Path(file).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise click.BadParameter(f"cannot read {file}: {reason}") from None
    if not secret:
        raise click.BadParameter(f"{file} is empty")
    return secret


class Seconds(click.FloatRange):
    """A number of seconds, which neither ``inf`` nor ``nan`` is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See `click.ParamType`."""
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


def timeout_option(function: F) -> F:
    """Add ``--timeout``."""
    return click.option(
        "--timeout",
        type=Seconds(min=0, min_open=True),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="How long an answer may take.",
    )(function)

"""The `chakra` command. Needs the extra ``cli``; this module alone can be loaded without it."""

from __future__ import annotations

import csv
import sys


def main() -> None:
    """Run the command with the arguments of the process, and exit."""
    try:
        _run()
    except KeyboardInterrupt:  # before there was a command that could hear it, or after
        raise SystemExit(130) from None


def _run() -> None:
    try:
        from chakra_async.cli.app import app  # noqa: PLC0415 - this module has to load without click
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"click", "rich"}:
            raise
        sys.stderr.write(
            "The chakra command needs click and rich, which come with the extra cli: "
            "pip install 'path/to/chakra_async[cli]'\n"
        )
        raise SystemExit(1) from None
    from chakra_async.bulk.sources._files import MAX_LINE  # noqa: PLC0415 - loaded by the command
    from chakra_async.cli.status import BROKEN_OFF  # noqa: PLC0415 - loaded by the command
    from chakra_async.cli.streams import prepare  # noqa: PLC0415 - loaded by the command

    prepare()
    # The program is ours alone: a field may be as long as a line.
    csv.field_size_limit(MAX_LINE)
    try:
        app(prog_name="chakra")
    except OSError as error:  # of the help or the version, which are written before there is a command
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(BROKEN_OFF) from None

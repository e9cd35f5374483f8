"""The `chakra` command. Needs the extra ``cli``; this module alone can be loaded without it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command with the arguments of the process, and exit."""
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
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter is no reason to lose the account of a run.
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")
    app(prog_name="chakra")

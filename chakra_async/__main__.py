"""``python -m chakra_async``: the `chakra` command."""

from __future__ import annotations

from chakra_async.cli import main


main()

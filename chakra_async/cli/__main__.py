"""``python -m chakra_async.cli``."""

from __future__ import annotations

from chakra_async.cli import main


main()

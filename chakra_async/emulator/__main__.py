"""``python -m chakra_async.emulator``."""

from __future__ import annotations

import sys

from chakra_async.emulator.cli import main


sys.exit(main())

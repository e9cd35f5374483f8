"""Draw ``docs/demo.svg``: what ``make demo`` prints, for the README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text


TARGET = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"


def main() -> None:
    """Run the demo and draw its output."""
    demo = subprocess.run([sys.executable, "-m", "examples.demo"], capture_output=True, text=True, check=True)
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=108, file=nowhere, force_terminal=True)
        console.print(Text("$ make demo", style="bold"))
        for line in demo.stdout.splitlines():
            text = Text(line)
            text.highlight_regex(r"^ +[\d,]+ (created|updated)$", "green")
            text.highlight_regex(r"^ +[\d,]+ (invalid|failed)$|^  (invalid|failed), lines? .*", "yellow")
            console.print(text)
        drawing = console.export_svg(title="chakra_async")
    # Viewers use a font of their own; none is fetched from elsewhere.
    drawing = re.sub(r"\s*@font-face \{.*?\}", "", drawing, flags=re.DOTALL)
    TARGET.write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()

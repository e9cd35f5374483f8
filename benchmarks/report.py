"""Results kept as JSON, and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import asdict, frozen

from benchmarks.harness.figures import Figure, Spread


SLACK = 0.05
"""How much worse a figure must be, beyond the quartiles of both runs, to count as a regression."""

Measured = Mapping[str, Mapping[str, Figure]]


@frozen
class Report:
    """One run: what it ran on, and its figures by scenario and name."""

    environment: Mapping[str, str]
    measured: Measured

    def save(self, file: Path) -> None:
        """Write it."""
        content = {
            "environment": self.environment,
            "measured": {
                scenario: {name: asdict(figure) for name, figure in figures.items()}
                for scenario, figures in self.measured.items()
            },
        }
        file.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> Report:
        """Read one that was saved."""
        content = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            content["environment"],
            {
                scenario: {
                    name: Figure(**{**figure, "spread": Spread(**figure["spread"])})
                    for name, figure in figures.items()
                }
                for scenario, figures in content["measured"].items()
            },
        )


def regressions(old: Measured, new: Measured) -> Iterator[str]:
    """Name the figures that have become worse by more than the noise.

    Only what both runs measured and what has a better and a worse is compared: ratios and counts. A figure
    without spread is given one of 5 %.
    """
    for scenario, figures in new.items():
        for name, figure in figures.items():
            before = old.get(scenario, {}).get(name)
            if before is not None and figure.better is not None and _worse(before, figure):
                yield (
                    f"{scenario}: {name}: {before.spread.middle:.3g} before, "
                    f"{figure.spread.middle:.3g} {figure.unit} now"
                )


def _worse(before: Figure, now: Figure) -> bool:
    was, is_now = _widened(before.spread), _widened(now.spread)
    if now.better == "higher":
        return is_now.high < was.low * (1 - SLACK)
    return is_now.low > was.high * (1 + SLACK)


def _widened(spread: Spread) -> Spread:
    if spread.low != spread.high:
        return spread
    return Spread(spread.middle, spread.middle * (1 - SLACK), spread.middle * (1 + SLACK))

"""What is answered to a delivery."""

from __future__ import annotations

from attrs import frozen


@frozen
class Receipt:
    """What to answer to a delivery: an HTTP status, and a line of plain text."""

    status: int
    text: str

"""Process ids: uuids that hold the row number, scrambled.

They look random, yet finding a process by its id needs no index, which would cost a bulk run as much as
writing the row itself.
"""

from __future__ import annotations

import re
import secrets
from typing import Final


_BITS: Final = 122  # of a uuid's 128, those that its version and variant leave free
_MODULUS: Final = 1 << _BITS
_LOW: Final = (1 << 62) - 1
_FORM: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class Ids:
    """Turns row numbers into uuids and back.

    Args:
        secret: what another instance was made with, to get the same ids.
    """

    def __init__(self, secret: str | None = None) -> None:
        self.secret: Final = secret or secrets.token_hex(31)
        number = int(self.secret, 16)
        self._offset = number >> 124
        self._factor = number % _MODULUS | 1  # odd, so that it can be undone
        self._inverse = pow(self._factor, -1, _MODULUS)

    def uuid(self, seq: int) -> str:
        """Return the uuid of a row."""
        mixed = (seq * self._factor + self._offset) % _MODULUS
        text = f"{(mixed >> 62 & 0xFFF | 0x4000 | mixed >> 74 << 16) << 64 | 2 << 62 | mixed & _LOW:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def seq(self, uuid: str) -> int:
        """Return the row of a uuid, or -1 when it cannot be one of ours."""
        if not _FORM.fullmatch(uuid):
            return -1
        number = int(uuid.replace("-", ""), 16)
        mixed = number >> 80 << 74 | (number >> 64 & 0xFFF) << 62 | number & _LOW
        seq = (mixed - self._offset) * self._inverse % _MODULUS
        return seq if seq < 1 << 62 and self.uuid(seq) == uuid.lower() else -1

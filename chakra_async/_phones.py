"""Phone numbers as the service wants them: country code and digits, nothing else."""

from __future__ import annotations

import unicodedata


# ITU-T E.164 ends at 15 digits; the shortest numbers in use, country code included, have 7.
_SHORTEST, _LONGEST = 7, 15

_DIGITS = frozenset("0123456789")
_SEPARATORS = frozenset("()[]./")


def phone_digits(value: str | int, name: str) -> str:
    """Normalise a phone number to digits, where that needs no guessing.

    A leading ``+`` or ``00``, spaces, dashes, dots, slashes, brackets and invisible marks (which address
    books add when a number is copied) are taken away; digits of other scripts are written in ASCII.

    Raises:
        TypeError: it is neither text nor a whole number.
        ValueError: it cannot be a phone number, or its country code would have to be guessed.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if isinstance(value, int) and value < 0:
        raise ValueError(f"{name} is {value}, and a phone number is not negative")
    text = str(value).strip()
    if "(0)" in text:
        raise ValueError(f"{name} is {value!r}: leave out the (0), which is not dialled from abroad")
    kept = "".join(_bare(character) for character in text)
    international = kept.startswith("+")
    digits = kept.removeprefix("+")
    if strange := next((character for character in digits if character not in _DIGITS), None):
        raise ValueError(
            f"{name} is {value!r}: {strange!r} is no part of a phone number; write country code and digits, "
            "such as 917701214822"
        )
    if not international and digits.startswith("00"):
        digits = digits[2:]
    if digits.startswith("0"):
        raise ValueError(
            f"{name} is {value!r}: it begins with 0; write it with its country code, such as 917701214822"
        )
    if not _SHORTEST <= len(digits) <= _LONGEST:
        raise ValueError(
            f"{name} is {value!r}: a phone number has {_SHORTEST} to {_LONGEST} digits with its country "
            f"code, not {len(digits)}"
        )
    return digits


def _bare(character: str) -> str:
    if character in _SEPARATORS or unicodedata.category(character) in {"Zs", "Pd", "Cf"}:
        return ""
    number = unicodedata.decimal(character, None)
    return character if number is None else str(number)

"""Text that must not be shown: hidden where values are printed, blotted out of what others have written."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, Self, SupportsIndex


# Found is what begins or ends a secret and is as long as a piece, and of its middle what is twice as long.
_PIECE = 8

# One character, escaped for a URL, perhaps twice; for JSON; for HTML; or with backslashes.
# Compiled when it is first needed.
_ESCAPE = r"%(?:25)*([0-9A-Fa-f]{2})|\\+u00([0-9A-Fa-f]{2})|(&#?\w{1,8};)|\\+(.)"


class Hidden(str):
    """Text that travels as it is, but is not shown where values are: in tracebacks with locals, in reprs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"

    def __getitem__(self, key: Any) -> Hidden:
        # Whoever shows long values shows their beginning.
        return Hidden(super().__getitem__(key))

    def __deepcopy__(self, _: Any) -> Self:
        return self

    def __reduce_ex__(self, _: Any) -> NoReturn:
        raise TypeError("a secret is not pickled: give it to the other process by its environment")


class HiddenBytes(bytes):
    """The same for bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'…'"

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        if isinstance(key, slice):
            return HiddenBytes(super().__getitem__(key))
        return super().__getitem__(key)

    def __deepcopy__(self, _: Any) -> Self:
        return self

    def __reduce_ex__(self, _: Any) -> NoReturn:
        raise TypeError("a secret is not pickled: give it to the other process by its environment")


class Blotter:
    """Blots a secret out of texts: as a whole or a part of it, plain, escaped, or in base64."""

    def __init__(self, secret: str, mark: str) -> None:
        self._mark = mark
        forms = {_unescaped(secret)[0]}
        # What precedes it in a text shifts its base64 by none, one or two characters.
        for shift in range(3) if len(secret) >= _PIECE else ():
            whole = b64encode(bytes(shift) + secret.encode()).decode()
            # The first characters hold some bits of what precedes it, the last ones of what follows.
            core = whole[-(-shift * 8 // 6) : (shift + len(secret)) * 8 // 6]
            forms |= {core, core.replace("+", "-").replace("/", "_")}
        self._forms = [Hidden(form) for form in forms]

    def __call__(self, text: str) -> str:
        """Return ``text`` without the secret."""
        plain, origins = _unescaped(text)
        found = sorted(span for form in self._forms for span in _spans(plain, str(form)))
        kept: list[str] = []
        end = 0
        for first, last in found:
            if first > end or not kept:
                kept += [text[origins[end] : origins[first]], self._mark]
            end = max(end, last)
        return "".join([*kept, text[origins[end] :]]) if kept else text


def _spans(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Find the parts of a secret: by its pieces, and then as far as they go on to both sides."""
    end = max(0, len(secret) - _PIECE)
    for start in {*range(0, end, _PIECE), end}:
        piece = secret[start : start + _PIECE]
        place = text.find(piece)
        while place >= 0:
            first, before = place, start
            while first and before and text[first - 1] == secret[before - 1]:
                first, before = first - 1, before - 1
            last, after = place + len(piece), start + len(piece)
            while last < len(text) and after < len(secret) and text[last] == secret[after]:
                last, after = last + 1, after + 1
            yield first, last
            place = text.find(piece, last)


def _unescaped(text: str) -> tuple[str, Sequence[int]]:
    """Return a text without its escapes, and for each character (and the end) where it stands in the text."""
    if not any(mark in text for mark in "%\\&"):
        return text, range(len(text) + 1)
    import html  # noqa: PLC0415 - its table of names takes a millisecond, and few texts are escaped

    plain: list[str] = []
    origins: list[int] = []
    end = 0
    for found in re.finditer(_ESCAPE, text):
        plain.append(text[end : found.start()])
        origins += range(end, found.start())
        code, named, escaped = found[1] or found[2], found[3], found[4]
        character = chr(int(code, 16)) if code else html.unescape(named) if named else escaped
        plain.append(character)
        origins += [found.start()] * len(character)
        end = found.end()
    plain.append(text[end:])
    origins += range(end, len(text) + 1)
    return "".join(plain), origins

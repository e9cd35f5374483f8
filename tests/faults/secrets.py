"""Searching for a secret by its value in everything that a log, a crash report or a debugger shows."""

import copy
import html
import json
import logging
import pickle
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

from rich.pretty import pretty_repr


def forms_of(secret):
    """A secret as it is, as others may write it, and the halves of all that."""
    wholes = {secret, quote(secret, safe=""), quote(quote(secret, safe="")), quote_plus(secret)}
    wholes |= {json.dumps(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/")}
    wholes |= {html.escape(secret), "".join(f"\\u{ord(one):04x}" for one in secret), secret.encode().hex()}
    for before in ("", "x", "xx"):
        for encode in (b64encode, urlsafe_b64encode):
            # Without what depends on what stands before and after it.
            wholes.add(encode((before + secret).encode()).decode()[4:-4])
    halves = {half for whole in wholes for half in (whole[: len(whole) // 2], whole[len(whole) // 2 :])}
    return wholes | halves


class Search:
    """Looks for secrets in texts, bytes, errors, values and files, and keeps what it finds."""

    def __init__(self, *secrets):
        forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, forms)))
        self.found = []

    def text(self, text, where):
        """Look into a text."""
        # Every repr doubles them.
        text = re.sub(r"\\+", r"\\", text)
        for match in self._pattern.finditer(text):
            self.found.append(f"{where}: …{text[max(0, match.start() - 60) : match.end() + 10]}…")

    def binary(self, data, where):
        """Look into bytes; text in them may be of one or two bytes a character."""
        self.text(data.decode("latin-1"), where)
        self.text(data.replace(b"\0", b"").decode("latin-1"), where)

    def files(self, folder):
        """Look into every file of a folder."""
        for path in Path(folder).rglob("*"):
            if path.is_file():
                self.text(path.name, "a file's name")
                self.binary(path.read_bytes(), path.name)

    def value(self, value, where):
        """Look at a value as debuggers do: how it prints, and what its attributes print."""
        slots = [name for kind in type(value).__mro__ for name in vars(kind).get("__slots__", ())]
        inside = [getattr(value, name) for name in slots if hasattr(value, name)]
        for shown in (value, getattr(value, "__dict__", {}), *inside):
            self.text(repr(shown), where)
            # rich, and what Sentry and structlog have from it, cut long texts before they print them.
            self.text(pretty_repr(shown, max_string=80, max_depth=6, max_length=50), f"{where} in rich")
        # What is text has to travel, and is shown by whoever asks for the text itself.
        if not isinstance(value, str | bytes):
            self.text(str(value), where)

    def logged(self, records):
        """Look at log records, and at what they carry."""
        formatter = logging.Formatter("%(name)s %(message)s")
        for record in records:
            self.text(f"{formatter.format(record)} {vars(record)!r}", f"log of {record.name}")

    def error(self, error, where, *, without):
        """Look at an error and all behind it, whether it would be printed or not.

        Args:
            error: the error.
            where: what was going on.
            without: a file whose frames are not looked at: the caller's own variables are the caller's.
        """
        for kind, one in _chain(error):
            self.value(one, f"{where}: {kind}")
            self._travelled(one, f"{where}: {kind}, travelled")
            one.__traceback__ = _inner(one.__traceback__, without)
            for frame, _ in traceback.walk_tb(one.__traceback__):
                for name, value in frame.f_locals.items():
                    self.value(value, f"{where}: {kind}, {name} in {frame.f_code.co_qualname}")
        self.text("".join(traceback.format_exception(error)), f"{where}: traceback")
        described = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.text("".join(described.format()), f"{where}: traceback with locals")

    def _travelled(self, error, where):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                self.binary(pickle.dumps(error, protocol), where)
            except (TypeError, AttributeError, pickle.PicklingError) as refused:
                self.text(repr(refused), where)
        self.value(copy.copy(error), where)


def _chain(error):
    seen = []
    waiting = [("the error", error)]
    while waiting:
        kind, one = waiting.pop()
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        yield kind, one
        waiting += [("its cause", one.__cause__), ("its context", one.__context__)]
        waiting += [("one of its group", inner) for inner in getattr(one, "exceptions", ())]


def _inner(trace, without):
    while trace is not None and trace.tb_frame.f_code.co_filename == without:
        trace = trace.tb_next
    return trace

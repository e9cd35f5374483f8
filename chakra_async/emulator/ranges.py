"""The Range header: one range of bytes; whatever else it asks for is answered in full, as RFC 9110 allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import evolve

from chakra_async.emulator.answer import Answer


_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def ranged(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """Cut stored bytes down to the range the request asks for."""
    blob = answer.blob
    if blob is None or answer.status != 200 or (wanted := headers.get("Range")) is None:
        return answer
    if headers.get("If-Range", answer.headers["ETag"]) != answer.headers["ETag"]:
        return answer
    found = _ONE_RANGE.fullmatch(wanted.replace(" ", ""))
    if found is None or not any(found.groups()):
        return answer
    first, last = found.groups()
    if not first:
        start, stop = max(blob.size - int(last), 0), blob.size
    else:
        start, stop = int(first), min(int(last) + 1, blob.size) if last else blob.size
        if last and int(last) < int(first):
            return answer
    if start >= blob.size:
        unsatisfied = {**answer.headers, "Content-Range": f"bytes */{blob.size}"}
        return Answer(416, b"", answer.content_type, unsatisfied)
    part = {**answer.headers, "Content-Range": f"bytes {start}-{stop - 1}/{blob.size}"}
    return evolve(answer, status=206, blob=blob.part(start, stop), headers=part)

"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from chakra_async.bulk.sources import _files
from chakra_async.bulk.sources._columns import FAILURE_FIELD, LINE_COLUMN, Columns, is_reserved
from chakra_async.bulk.sources._files import damage, is_damaged, stub
from chakra_async.bulk.sources._rows import Row, finisher, given_roots, reject
from chakra_async.bulk.sources._values import NumberTooLargeError, load_json


def read_jsonl(lines: Iterator[str], columns: Columns, unseen: set[str], *, create: bool) -> Iterator[Row]:
    """Read a row or a rejection from each line that is not blank.

    Args:
        lines: The text.
        columns: What the fields mean.
        unseen: Names of fields; those that an object has are taken out.
        create: Make `ProcessCreate`s, else `ProcessUpdate`s.
    """
    missing, as_null = columns.markers(empty_is_missing=False), columns.missing_as == "null"
    mapping = columns.data
    typed = columns.types_of({name: name for name in columns.types} if mapping is None else mapping)
    other = {columns.key, *columns.roots().values(), *columns.skip}
    roots = [column for _, column in given_roots(columns)]
    finish = finisher(columns, typed, create=create, absent=missing | {""})
    key, id_ = columns.key or "", columns.id or ""
    numbered = LINE_COLUMN in columns.named()

    for number, line in enumerate(lines, 1):
        text = line.strip(" \t\r\n") if number > 1 else line.removeprefix("\ufeff").strip(" \t\r\n")
        if not text:
            continue
        if len(line) >= _files.MAX_LINE:
            yield reject(number, stub(text), "the line is too long to read; the line was cut")
            continue
        if is_damaged(text):
            yield reject(number, text, f"the line {damage(text)}")
            continue
        try:
            found = load_json(text)
        except NumberTooLargeError as error:
            yield reject(number, text, f"in the line, {error}")
            continue
        except ValueError as error:
            yield reject(number, text, f"the line is not JSON ({error}); write one object on each line")
            continue
        if not isinstance(found, dict):
            yield reject(number, text, 'the line is JSON, but not an object; write one such as {"a": 1}')
            continue
        cells = cast("dict[str, Any]", found)
        if unseen:
            unseen.difference_update(cells)
        if numbered:
            note = cells.get(FAILURE_FIELD)
            cells.setdefault(LINE_COLUMN, cast("Any", note).get("line") if isinstance(note, dict) else number)
        if mapping is None:
            data = {name: cell for name, cell in cells.items() if name not in other and not is_reserved(name)}
        else:
            data = {short_id: cells[name] for name, short_id in mapping.items() if name in cells}
        if missing:
            gone = [
                name for name, cell in data.items() if (cell is None or type(cell) is str) and cell in missing
            ]
            for name in gone:
                if as_null:
                    data[name] = None
                else:
                    del data[name]
        yield finish(number, text, cells.get(key), cells.get(id_), [cells.get(name) for name in roots], data)

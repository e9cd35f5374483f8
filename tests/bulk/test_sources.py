"""Reading CSV and JSON Lines files as rows, and writing the failures back."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import json
import os
import resource
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from chakra_async.bulk.rows import RejectedRow, SourceLine
from chakra_async.bulk.sources import (
    Columns,
    FailuresWriter,
    _csv,
    _files,
    parse_column,
    read_creates,
    read_updates,
    reopen,
)
from chakra_async.models import ProcessCreate, ProcessUpdate


KEY = Columns(key="tail")


@define
class Result:
    outcome: str
    errors: tuple[str, ...]
    line: int | None
    ref: Any


def failed(row: Any, outcome: str = "failed", errors: tuple[str, ...] = ("no, said the service",)) -> Result:
    if isinstance(row, RejectedRow):
        return Result("invalid", row.errors, row.ref.line, row.ref)
    return Result(outcome, errors, row.ref.line, row.ref)


def updates(text: str | bytes, columns: Columns = KEY, fmt: Any = "csv", **options: Any) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_updates(io.BytesIO(data), columns=columns, format=fmt, **options))


def only_error(rows: list[Any]) -> str:
    [row] = [row for row in rows if isinstance(row, RejectedRow)]
    [error] = row.errors
    return error


def shape(row: Any) -> Any:
    return row.errors if isinstance(row, RejectedRow) else row


# Rows


def test_csv_rows_become_updates_with_their_lines():
    rows = updates("tail,year,seats\nN1,2004,55\nN2,1998,182\n")
    assert rows == [
        ProcessUpdate(key=("tail", "N1"), data={"year": "2004", "seats": "55"}),
        ProcessUpdate(key=("tail", "N2"), data={"year": "1998", "seats": "182"}),
    ]
    assert [row.ref for row in rows] == [
        SourceLine(2, ["N1", "2004", "55"]),
        SourceLine(3, ["N2", "1998", "182"]),
    ]


def test_root_fields_and_renamed_columns():
    columns = Columns(
        key="Tail",
        key_id="tailnum",
        state="s",
        status="t",
        assigned_to="who",
        next_action_at="when",
        data={"year": "build_year", "Tail": "tail_again"},
    )
    [row] = updates(
        "Tail,year,s,t,who,when,other\nN1,2004,NEW,OPEN,ann@x.org,2026-01-31T09:30:00+05:30,no\n", columns
    )
    assert row == ProcessUpdate(
        key=("tailnum", "N1"),
        data={"build_year": "2004", "tail_again": "N1"},
        state="NEW",
        status="OPEN",
        assigned_to="ann@x.org",
        next_action_at=datetime(2026, 1, 31, 4, tzinfo=UTC),
    )


def test_an_id_column_names_the_process():
    rows = updates("uuid,a\nx-1,1\n,2\n", Columns(id="uuid"))
    assert rows[0] == ProcessUpdate(id="x-1", data={"a": "1"})
    assert rows[1].errors == ("column 'uuid' is missing; give the row the id of its process",)


def test_creates():
    file = io.StringIO("tail,a,s\nN1,1,NEW\n")
    [row] = read_creates(file, columns=Columns(key="tail", state="s"), format="csv")
    assert row == ProcessCreate(key=("tail", "N1"), data={"a": "1"}, state="NEW")
    [row] = read_creates(io.StringIO("a\n1\n"), columns=Columns(), format="csv")
    assert row == ProcessCreate(data={"a": "1"})
    assert row.ref == SourceLine(2, ["1"])


def test_missing_values_are_left_out_or_null():
    text = "tail,a,b,s\nN1,NA,,NA\n"
    [row] = updates(text, Columns(key="tail", state="s", missing=("NA",), types={"a": "int"}))
    assert row == ProcessUpdate(key=("tail", "N1"), data={})
    [row] = updates(
        text, Columns(key="tail", state="s", missing=["NA"], missing_as="null", types={"a": "int"})
    )
    assert row == ProcessUpdate(key=("tail", "N1"), data={"a": None, "b": None})
    [row] = updates(text, Columns(key="tail", state="s", missing=("NA",), empty="text"))
    assert row == ProcessUpdate(key=("tail", "N1"), data={"b": ""})


@pytest.mark.parametrize("cell", ["", "NA", "  ", '""'])
@pytest.mark.parametrize("empty", [None, "text", "missing"])
def test_a_row_without_key_is_rejected(cell, empty):
    rows = updates(f"tail,a\n{cell},1\nN2,2\n", Columns(key="tail", missing=("NA",), empty=empty))
    assert rows[0].errors[0].startswith("column 'tail' is missing")
    assert rows[0].ref.line == 2
    assert rows[1].key == ("tail", "N2")


def test_the_line_number_serves_as_key():
    columns = Columns(key="chakra_line", key_id="flight_id")
    rows = updates('a,b\n1,"x\ny"\n\n3,4\n', columns)
    assert rows == [
        ProcessUpdate(key=("flight_id", 2), data={"a": "1", "b": "x\ny"}),
        ProcessUpdate(key=("flight_id", 5), data={"a": "3", "b": "4"}),
    ]
    assert rows[0].ref.record == ["1", "x\ny"]
    rows = updates("a\n1\n", Columns(key="chakra_line", types={"chakra_line": "str"}))
    assert rows[0].key == ("chakra_line", "2")
    rows = updates("t,a\nN1,1\n", Columns(key="t", data={"chakra_line": "n"}))
    assert rows[0].data == {"n": 2}
    rows = updates('{"a":1}\n', Columns(key="chakra_line", key_id="n"), "jsonl")
    assert rows == [ProcessUpdate(key=("n", 1), data={"a": 1})]


def test_blank_lines_are_skipped_and_counted():
    rows = updates("\n\ntail,a\n\n  \nN1,1\n\n")
    assert [row.ref.line for row in rows] == [6]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_lines_of_quoted_fields(end):
    rows = updates(f'tail,a{end}N1,"one{end}two{end}{end}"{end}N2,x{end}N3,"bad"x{end}N4,y')
    assert [row.ref.line for row in rows] == [2, 6, 7, 8]
    assert rows[0].data == {"a": f"one{end}two{end}{end}"}
    assert isinstance(rows[2], RejectedRow)


# Types


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "42", 42),
        ("int", " -7 ", -7),
        ("int", "2004.0", 2004),
        ("int", str(-(2**63)), -(2**63)),
        ("float", "1e3", 1000.0),
        ("float", "-0.5", -0.5),
        ("bool", "Yes", True),
        ("bool", "TRUE", True),
        ("bool", "0", False),
        ("bool", " no ", False),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "20260131", "2026-01-31"),
        ("datetime", "1970-01-01T00:00:01.5Z", 1500),
        ("datetime", "1970-01-01T05:30:00+05:30", 0),
        ("datetime", "1969-12-31T23:59:59.999Z", -1),
        ("datetime", "1769848200000", 1769848200000),
        ("json", '{""a"": [1, null]}', {"a": [1, None]}),
        ("str", "007", "007"),
    ],
)
def test_types(kind, text, value):
    [row] = updates(f'tail,v\nN1,"{text}"\n', Columns(key="tail", types={"v": kind}))
    assert row.data == {"v": value}
    assert type(row.data["v"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "4.5"),
        ("int", "1_000"),
        ("int", "1e3"),
        ("int", "٣"),
        ("int", "²"),
        ("int", str(2**63)),
        ("int", "9" * 5000),
        ("int", "-"),
        ("float", "nan"),
        ("float", "-Infinity"),
        ("float", "1e999"),
        ("float", "1_0.0"),
        ("bool", "2"),
        ("bool", "maybe"),
        ("date", "31.01.2026"),
        ("date", "2026-02-30"),
        ("datetime", "2026-01-31T09:30:00"),
        ("datetime", "2026-01-31"),
        ("datetime", "1769848200"),
        ("datetime", "20260131093000"),
        ("datetime", "0001-01-01T00:00:00+14:00"),
        ("json", "{a: 1}"),
        ("json", "[" * 300 + "]" * 300),
    ],
)
def test_values_that_do_not_fit(kind, text):
    rows = updates(f"tail,v\nN1,{text}\nN2,\n", Columns(key="tail", types={"v": kind}))
    error = only_error(rows)
    assert error.startswith("column 'v': '")
    assert "; write it as" in error or "; write" in error
    assert len(error) < 300
    assert rows[0].key == "N1"
    assert rows[1] == ProcessUpdate(key=("tail", "N2"), data={})


def test_every_complaint_of_a_row_is_told():
    columns = Columns(key="tail", next_action_at="when", types={"a": "int", "b": "bool"})
    [row] = updates("tail,a,b,when\n,x,y,soon\n", columns)
    assert [error.split("'")[1] for error in row.errors] == ["tail", "when", "a", "b"]


def test_times_without_offset_need_a_timezone():
    india = timezone(timedelta(hours=5, minutes=30))
    for zone in (india, "UTC"):
        columns = Columns(key="tail", next_action_at="w", types={"v": "datetime"}, timezone=zone)
        [row] = updates("tail,v,w\nN1,1970-01-02T00:00:00,2026-01-31\n", columns)
        shift = timedelta(hours=5.5) if zone is india else timedelta(0)
        assert row.data == {"v": 86_400_000 - int(shift.total_seconds() * 1000)}
        assert row.next_action_at == datetime(2026, 1, 31, tzinfo=UTC) - shift
        assert row.next_action_at.tzinfo is not None


def test_a_key_may_be_a_number():
    columns = Columns(key="n", types={"n": "int"})
    rows = updates("n\n007\nx\n", columns)
    assert rows[0].key == ("n", 7)
    assert "'x' is not a whole number" in only_error(rows)


# Bad lines


def test_too_many_and_too_few_fields():
    rows = updates("tail,a\nN1,1,2\nN2\nN3,3\n")
    assert [row.errors[0].split(";")[0] for row in rows[:2]] == [
        "3 fields, but the header has 2",
        "1 field, but the header has 2",
    ]
    assert rows[0].key == "N1"
    assert rows[0].ref.record == ["N1", "1", "2"]
    assert rows[2].data == {"a": "3"}


def test_an_unclosed_quote_costs_one_row():
    lines = [f"N{n},{n}" for n in range(1000)]
    lines[10] = 'N10,"ten'
    lines[700] = 'N700,"x,y"'
    rows = updates("tail,a\n" + "\n".join(lines))
    assert len(rows) == 1000
    assert [n for n, row in enumerate(rows) if isinstance(row, RejectedRow)] == [10]
    assert rows[10].ref == SourceLine(12, 'N10,"ten')
    assert rows[11] == ProcessUpdate(key=("tail", "N11"), data={"a": "11"})
    assert rows[700].data == {"a": "x,y"}
    assert [row.ref.line for row in rows] == list(range(2, 1002))


@pytest.mark.parametrize("quotes_follow", [False, True])
def test_an_unclosed_quote_in_a_long_file_swallows_nothing(quotes_follow):
    wide = '"y"' * quotes_follow or "y"
    body = "".join(f"N{n},{'x' * 90}{n}\n" for n in range(5000))
    rows = updates(f'tail,a\nbad,"no end\n{body}last,{wide}\n')
    assert [row.ref.line for row in rows if isinstance(row, RejectedRow)] == [2]
    assert len(rows) == 5002
    assert rows[-1].key == ("tail", "last")


def test_quotes_that_divide_wrongly_without_end_are_bounded(monkeypatch):
    monkeypatch.setattr(_csv, "MAX_CONTINUATION", 2000)
    rows = updates("tail,a\n" + '"\n' + '","\n' * 1000 + "N1,1\n")
    assert rows[-1] == ProcessUpdate(key=("tail", "N1"), data={"a": "1"})
    assert rows[0].ref == SourceLine(2, '"')
    assert "a quote that is not closed" in rows[0].errors[0]


def test_a_file_whose_every_line_leaves_a_quote_open_is_read_in_linear_time():
    rows = updates("tail,a\n" + 'x","\n' * 10_000 + 'N1,"1\n\n2"\n')
    assert [row.ref.line for row in rows] == list(range(2, 10_003))
    assert rows[-1].data == {"a": "1\n\n2"}


def test_a_field_beyond_the_limit_of_csv():
    rows = updates(f"tail,a\nN1,{'x' * 200_000}\nN2,2\n")
    assert "a field of more than 131,072 characters; close its quotes, or raise" in only_error(rows)
    assert rows[1].key == ("tail", "N2")


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
def test_a_line_that_is_too_long_is_cut_and_never_read(monkeypatch, fmt):
    monkeypatch.setattr(_files, "MAX_LINE", 64)
    rows = updates(f"tail,a\nN1,{'x' * 1000}\nN2,2\n") if fmt == "csv" else None
    if rows is None:
        rows = updates('{"tail":"N1","a":"' + "x" * 1000 + '"}\n{"tail":"N2","a":"2"}\n', fmt="jsonl")
    assert isinstance(rows[0], RejectedRow)
    assert len(rows[0].ref.record) < 300
    assert rows[1] == ProcessUpdate(key=("tail", "N2"), data={"a": "2"})
    again = "tail,a\n" + rows[0].ref.record if fmt == "csv" else rows[0].ref.record
    assert all(isinstance(row, RejectedRow) for row in updates(again, fmt=fmt))


def test_undecodable_bytes_and_nul_name_the_column():
    rows = updates(b"tail,city\nN1,M\xfcnchen\nN2,a\0b\nN3,M\xc3\xbcnchen\n")
    assert rows[0].errors[0].startswith("column 'city' holds bytes that are no text")
    assert "encoding=" in rows[0].errors[0]
    assert rows[1].errors[0].startswith("column 'city' holds a NUL character")
    assert rows[1].errors[0].endswith("encoding='utf-16-le'")
    assert rows[2].data == {"city": "München"}
    [row] = updates(b"tail,city\nN1,M\xfcnchen\n", encoding="cp1252")
    assert row.data == {"city": "München"}


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("given_encoding", [None, "utf-8"])
def test_byte_order_marks_and_compression(encoding, fmt, packed, given_encoding):
    text = "tail,a\nN1,ü€😀\n" if fmt == "csv" else '{"tail":"N1","a":"ü€😀"}\n'
    data = text.encode(encoding)
    rows = updates(gzip.compress(data) if packed else data, fmt=fmt, encoding=given_encoding)
    assert rows == [ProcessUpdate(key=("tail", "N1"), data={"a": "ü€😀"})]


def test_big_endian_marks_and_a_mark_in_a_text_file():
    data = b"\xfe\xff" + "tail,a\nN1,1\n".encode("utf-16-be")
    assert len(updates(data)) == 1
    for text, fmt in (("\ufefftail,a\nN1,1\n", "csv"), ('\ufeff{"tail":"N1","a":"1"}', "jsonl")):
        assert list(read_updates(io.StringIO(text), columns=KEY, format=fmt)) == updates(data)


def test_damaged_utf16_is_a_rejected_row():
    data = b"\xff\xfe" + "tail,a\nN1,1\nN2,".encode("utf-16-le") + b"\x00\xd8\x41\x00\x0a"
    rows = updates(data)
    assert rows[0].key == ("tail", "N1")
    assert all(isinstance(row, RejectedRow) for row in rows[1:])


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.ndjson", "A.CSV", "a.csv.gz", "a.jsonl.GZ"]
)
def test_the_format_by_suffix(tmp_path, name):
    lower = name.lower()
    text = '{"tail":"N1","a":"1"}\n' if "json" in lower else "tail,a\nN1,1\n"
    data = (text.replace(",", "\t") if ".tsv" in lower else text).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if lower.endswith(".gz") else data)
    expected = [ProcessUpdate(key=("tail", "N1"), data={"a": "1"})]
    assert list(read_updates(path, columns=KEY)) == expected
    assert list(read_updates(str(path), columns=KEY)) == expected
    with path.open("rb") as file:
        assert list(read_updates(file, columns=KEY)) == expected
        assert not file.closed


def test_file_objects_stay_open_and_readers_close_early(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("tail,a\n" + "N1,1\n" * 100)
    with read_updates(path, columns=KEY) as rows:
        assert next(rows).ref.line == 2
        assert rows.header == ["tail", "a"]
    assert list(rows) == []
    rows = read_updates(path, columns=KEY)
    next(rows)
    del rows  # a forgotten file would be a ResourceWarning, which is an error here
    text, binary = io.StringIO("tail,a\nN1,1\n"), io.BytesIO(b"tail,a\nN1,1\n")
    for file in (text, binary):
        rows = read_updates(file, columns=KEY, format="csv")
        assert len(list(rows)) == 1
        del rows
        assert not file.closed


@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("begun", [b"", b"tail,a\nN1,1\n"])
def test_a_pipe_that_does_not_block_is_read_to_its_end(buffering, begun):
    text = b"tail,a\nN1,1\nN2,2\n"
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb", buffering) as file, os.fdopen(writing, "wb", 0) as pipe:
        pipe.write(begun)
        rest = threading.Timer(0.1, lambda: (pipe.write(text.removeprefix(begun)), pipe.close()))
        rest.start()
        rows = list(read_updates(file, columns=KEY, format="csv"))
        rest.join()
    assert [row.key[1] for row in rows] == ["N1", "N2"]


def test_a_damaged_gzip_file_is_an_error_and_not_a_short_file():
    data = gzip.compress(b"tail,a\n" + b"".join(b"N%d,%d\n" % (n, n * n) for n in range(50_000)))
    rows = read_updates(io.BytesIO(data[: len(data) // 2]), columns=KEY, format="csv")
    seen = []
    with pytest.raises(OSError, match="damaged or ends early, after line"):
        seen.extend(rows)
    assert len(seen) > 1000


@pytest.mark.parametrize("how", ["trailing bytes", "checksum", "head"])
def test_a_gzip_file_with_a_fault_names_the_line(how):
    data = bytearray(gzip.compress(b"tail,a\nN1,1\n"))
    if how == "trailing bytes":
        data += b"garbage"
    else:
        data[-6 if how == "checksum" else 2] ^= 1
    rows = read_updates(io.BytesIO(bytes(data)), columns=KEY, format="csv")
    with pytest.raises(OSError, match=f"damaged or ends early, after line {0 if how == 'head' else 2}"):
        list(rows)


def test_a_text_file_that_cannot_decode():
    file = io.TextIOWrapper(io.BytesIO(b"tail,a\nN1,\xff\n"), "utf-8")
    with pytest.raises(ValueError, match="binary file") as caught:
        list(read_updates(file, columns=KEY, format="csv"))
    assert type(caught.value) is ValueError


# JSON Lines


def test_json_values_stay_as_they_are():
    line = '{"tail": "N1", "n": 1, "x": 1.5, "no": null, "empty": "", "deep": {"a": [1, {}]}, "s": "NEW"}'
    line = line[:-1] + ', "_chakra": 1, "chakra_note": 2}'
    [row] = updates(line, Columns(key="tail", state="s"), "jsonl")
    data = {"n": 1, "x": 1.5, "no": None, "empty": "", "deep": {"a": [1, {}]}}
    assert row == ProcessUpdate(key=("tail", "N1"), data=data, state="NEW")
    assert row.ref == SourceLine(1, line)
    [row] = updates(
        line, Columns(key="tail", state="s", missing=(None,), empty="missing", skip=["deep"]), "jsonl"
    )
    assert row.data == {"n": 1, "x": 1.5}
    [row] = updates(line, Columns(key="tail", data={"n": "m", "absent": "y"}, missing=("NA",)), "jsonl")
    assert row.data == {"m": 1}


@pytest.mark.parametrize(
    ("kind", "json_value", "value"),
    [
        ("int", "3.0", 3),
        ("int", '"3"', 3),
        ("float", "3", 3.0),
        ("str", "3", "3"),
        ("bool", "true", True),
        ("bool", "1", True),
        ("datetime", "1769848200000", 1769848200000),
        ("json", '"[1]"', [1]),
        ("json", "[1]", [1]),
        ("int", "null", None),
    ],
)
def test_json_types(kind, json_value, value):
    [row] = updates(f'{{"tail":"N1","v":{json_value}}}', Columns(key="tail", types={"v": kind}), "jsonl")
    assert row.data == {"v": value}
    assert type(row.data["v"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "json_value"),
    [
        ("int", "true"),
        ("int", "[1]"),
        ("int", str(2**63)),
        ("float", "{}"),
        ("float", "true"),
        ("str", "true"),
        ("str", "{}"),
        ("bool", "2"),
        ("date", "1"),
        ("datetime", "1769848200"),
        ("datetime", "true"),
        ("datetime", "{}"),
    ],
)
def test_json_values_that_do_not_fit(kind, json_value):
    rows = updates(f'{{"tail":"N1","v":{json_value}}}', Columns(key="tail", types={"v": kind}), "jsonl")
    assert "column 'v'" in only_error(rows)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[1]",
        "3",
        '{"tail":"N1"',
        '{"tail":"N1","a":NaN}',
        '{"tail":null}',
        '{"tail":1.5}',
        '{"tail":true}',
        '{"tail":["N1"]}',
        '{"a":1}',
        '{"tail":"N1","s":5}',
        '{"tail":"N1","a":"\\ud800"}',
        '{"tail":"N1","a":' + "[" * 300 + "]" * 300 + "}",
        b'{"tail":"N1","a":"\xff"}',
        b'{"tail":"N1","a":"\0"}',
    ],
)
def test_bad_json_lines_cost_one_row(line):
    data = line if isinstance(line, bytes) else line.encode()
    rows = updates(data + b'\n\n{"tail":7}\n', Columns(key="tail", state="s"), "jsonl")
    assert only_error(rows).startswith(("the line", "column"))
    assert rows[0].ref.line == 1
    assert rows[1] == ProcessUpdate(key=("tail", 7), data={})
    assert rows[1].ref.line == 3


@pytest.mark.parametrize(
    "value",
    ["12345678901234567890123", str(2**64), str(-(2**63) - 1), "[[1, -99999999999999999999]]", "9" * 300],
)
def test_numbers_beyond_64_bits_cost_one_row(value):
    line = f'{{"tail":"N1","v":{value}}}'
    assert "more than 64 bits; put it in quotes" in only_error(updates(line, KEY, "jsonl"))
    text = updates(line, Columns(key="tail", types={"v": "str"}), "jsonl")
    assert "more than 64 bits" in only_error(text)
    cell = updates(f"tail;v\nN1;{value}", Columns(key="tail", types={"v": "json"}), delimiter=";")
    assert "is not JSON with numbers of at most 64 bits" in only_error(cell)


@pytest.mark.parametrize(
    "value",
    [2**64 - 1, -(2**63), 10**18, 1e30, 0.12345678901234567, "1" * 40, {"9" * 30: ["say \\" + "9" * 30]}],
)
def test_long_digits_that_are_no_such_number(value):
    [row] = updates(json.dumps({"tail": "N1", "v": value}), KEY, "jsonl")
    assert row.data == {"v": value}


# Options and headers


@pytest.mark.parametrize(
    ("spec", "pair"),
    [
        ("a", ("a", "a")),
        ("Tail=tailnum", ("Tail", "tailnum")),
        ("a=b=c", ("a=b", "c")),
        ("a b", ("a b", "a b")),
    ],
)
def test_parse_column(spec, pair):
    assert parse_column(spec) == pair


@pytest.mark.parametrize("spec", ["", "=", "a=", "=a"])
def test_parse_column_refuses(spec):
    with pytest.raises(ValueError, match="names no column"):
        parse_column(spec)


@pytest.mark.parametrize(
    "options",
    [
        {"key_id": "a"},
        {"key": ""},
        {"key": "k", "data": "year"},
        {"key": "k", "missing": "NA"},
        {"key": "k", "skip": "year"},
        {"key": "k", "data": ["a", "a"]},
        {"key": "k", "data": {"a": "x", "b": "x"}},
        {"key": "k", "data": {"a": ""}},
        {"key": "k", "data": ["a"], "skip": ["a"]},
        {"key": "k", "data": ["chakra_errors"]},
        {"key": "k", "types": {"a": "integer"}},
        {"key": "k", "types": {"k": "float"}},
        {"key": "k", "data": ["a"], "types": {"b": "int"}},
        {"key": "k", "skip": ["a"], "types": {"a": "int"}},
        {"key": "k", "state": "s", "types": {"s": "int"}},
        {"key": "k", "missing_as": "nothing"},
        {"key": "k", "empty": "null"},
        {"key": "k", "timezone": "Mars/Olympus"},
        {"key": "k", "timezone": "../etc"},
    ],
)
def test_columns_that_contradict_each_other(options):
    with pytest.raises(ValueError):
        Columns(**options)


def test_names_given_as_a_set_are_in_the_same_order_in_each_process():
    names = [f"column {n}" for n in range(100, 130)]
    assert Columns(key="k", skip=set(names)).skip == tuple(names)
    assert list(Columns(key="k", data=frozenset(names)).data) == names
    assert Columns(key="k", missing={*names, None, "None"}).missing == ("None", *names, None)
    assert Columns(key="k", skip=dict.fromkeys("ba").keys()).skip == ("b", "a")


def test_bad_options_are_refused_at_the_call(tmp_path):
    file = io.BytesIO(b"")
    for options in (
        {"columns": Columns()},
        {"columns": Columns(key="a", id="b")},
        {"format": "xml"},
        {"format": None},
        {"delimiter": ""},
        {"delimiter": "ab"},
        {"delimiter": '"'},
        {"format": "jsonl", "delimiter": ";"},
        {"encoding": "klingon"},
        {"encoding": "hex"},
    ):
        with pytest.raises(ValueError):
            read_updates(file, **{"columns": KEY, "format": "csv", **options})
    with pytest.raises(ValueError):
        read_creates(file, columns=Columns(id="a"), format="csv")
    with pytest.raises(ValueError):
        read_updates(5, columns=KEY, format="csv")
    with pytest.raises(FileNotFoundError):
        read_updates(tmp_path / "none.csv", columns=KEY)
    with pytest.raises(IsADirectoryError):
        read_updates(tmp_path, columns=KEY, format="csv")


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", KEY, "the file is empty"),
        ("\n\n", KEY, "the file is empty"),
        (",,\n", KEY, "the header is empty"),
        ("tail,a,a\n", KEY, "'a' twice"),
        ("tail,\n", KEY, "column 2 of the header has no name"),
        ("Tail,a\n", KEY, "no column 'tail' \\(did you mean 'Tail'\\?\\); it has 'Tail', 'a'"),
        ("tail,yaer\n", Columns(key="tail", types={"year": "int"}), "did you mean 'yaer'"),
        ("tail,a\n", Columns(key="tail", skip=["zzz"]), "no column 'zzz'; it has"),
        ("tail;a\n", KEY, "delimiter=';'"),
        ("tail\ta\n", KEY, "delimiter='\\\\t'"),
        ('tail,"a\n', KEY, "not well-formed CSV"),
        (b"tail,\xff\n", KEY, "encoding="),
        ("tail,a\n".encode("utf-16-le"), KEY, "UTF-16"),
    ],
)
def test_header_problems_end_at_once(text, columns, message):
    data = text if isinstance(text, bytes) else text.encode()
    rows = read_updates(io.BytesIO(data), columns=columns, format="csv")
    with pytest.raises(ValueError, match=message) as caught:
        next(rows)
    assert type(caught.value) is ValueError
    assert list(rows) == []


def test_an_unnamed_column_does_no_harm_when_the_data_are_named():
    [row] = updates(",tail,a\n0,N1,1\n", Columns(key="tail", data=["a"]))
    assert row.data == {"a": "1"}


# Failures


def write_failures(rows: Any, path: Path) -> list[Any]:
    with rows, rows.failures(path) as failures:
        read = list(rows)
        for row in read:
            failures.write(failed(row))
        assert failures.count == len(read)
    return read


def test_a_csv_failures_file_is_read_again_with_the_same_columns(tmp_path):
    source, first, second = (tmp_path / name for name in ("a.csv", "1.csv", "2.csv.gz"))
    bad = [
        b'"N1""x",1;5,"a\rb\nc"',
        b"N2,x",
        b'N3,"open,1',
        b"N4,1,2,3",
        b"N5,\xff,1",
        b'N6,"a"b,c',
        b'N7,1,"',
        b",9,",
    ]
    source.write_bytes(b"tail,a,b\n" + b"\n".join(bad) + b"\n")
    original = write_failures(read_updates(source, columns=KEY), first)
    text = first.read_bytes()
    assert text.startswith(b'chakra_line,chakra_outcome,chakra_errors,tail,a,b\n2,"failed",')
    assert all(line in text for line in bad[1:])
    again = write_failures(read_updates(first, columns=KEY), second)
    third = list(read_updates(second, columns=KEY))
    assert gzip.decompress(second.read_bytes()).count(b"chakra_line") == 1
    for generation in (again, third):
        assert [type(row) for row in generation] == [type(row) for row in original]
        assert [row for row in generation if isinstance(row, ProcessUpdate)] == original[:1]
    numbers = [line.split(b",")[0] for line in gzip.decompress(second.read_bytes()).split(b"\n")]
    assert {b"2", b"5", b"6", b"7", b"8", b"9"} <= set(numbers)
    first.write_bytes(text.replace(b'N3,"open', b"N3,open").replace(b"N2,x", b"N2,x,y"))
    mended = {row.key[1] for row in read_updates(first, columns=KEY) if isinstance(row, ProcessUpdate)}
    assert mended == {'N1"x', "N2", "N3"}


def test_a_failures_file_keeps_the_keys_made_from_line_numbers(tmp_path):
    columns = Columns(key="chakra_line", key_id="n")
    for name, text in (("a.csv", "a\nx\n\ny\n"), ("a.jsonl", '\n{"a":"x"}\n\n{"a":"y"}\n')):
        (tmp_path / name).write_text(text)
        rows = write_failures(read_updates(tmp_path / name, columns=columns), tmp_path / f"1{name}")
        assert [row.key for row in rows] == [("n", 2), ("n", 4)]
        again = write_failures(read_updates(tmp_path / f"1{name}", columns=columns), tmp_path / f"2{name}")
        assert again == rows
        assert list(read_updates(tmp_path / f"2{name}", columns=columns)) == rows


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "utf-8", None])
def test_a_failures_file_is_read_again_with_the_same_encoding(tmp_path, fmt, encoding):
    text = "tail,a\nN1,Bücher\n" if fmt == "csv" else '{"tail":"N1","a":"Bücher"}\n'
    source, path = tmp_path / f"a.{fmt}", tmp_path / f"failed.{fmt}"
    source.write_bytes(text.encode(encoding or "utf-8"))
    rows = write_failures(read_updates(source, columns=KEY, encoding=encoding), path)
    assert rows == [ProcessUpdate(key=("tail", "N1"), data={"a": "Bücher"})]
    assert list(read_updates(path, columns=KEY, encoding=encoding)) == rows
    assert path.read_bytes().startswith(codecs.BOM_UTF8) == (encoding is not None)


def test_a_json_failures_file_keeps_every_line(tmp_path):
    lines = [
        '{"tail":"N1","big":12345678901234567890,"x":1.0}',
        "{}",
        "nonsense",
        '{"tail":',
        "[1]",
        "{ }",
    ]
    source, first, second = (tmp_path / name for name in ("a.jsonl", "1.jsonl", "2.jsonl"))
    source.write_text("\n".join(lines))
    rows = write_failures(read_updates(source, columns=KEY), first)
    text = first.read_text()
    assert '"big":12345678901234567890,"x":1.0}' in text
    assert json.loads(text.split("\n")[0])["_chakra"] == {
        "line": 1,
        "outcome": "failed",
        "errors": ["no, said the service"],
    }
    again = write_failures(read_updates(first, columns=KEY), second)
    third = list(read_updates(second, columns=KEY))
    assert second.read_text().count("_chakra") == text.count("_chakra")
    for generation in (again, third):
        assert [type(row) for row in generation] == [type(row) for row in rows]
        assert generation[0] == rows[0]


def test_a_failures_file_is_made_by_the_first_failure_and_overwrites_nothing(tmp_path):
    source, path = tmp_path / "a.csv", tmp_path / "failed.csv"
    source.write_text("tail,a\nN1,1\n")
    with read_updates(source, columns=KEY) as rows, rows.failures(path):
        list(rows)
    assert not path.exists()
    write_failures(read_updates(source, columns=KEY), path)
    rows = read_updates(source, columns=KEY)
    with pytest.raises(FileExistsError):
        rows.failures(path)
    with pytest.raises(ValueError, match="being read"):
        rows.failures(source, overwrite=True)
    with rows.failures(path, overwrite=True) as failures:
        assert not path.exists()
        with pytest.raises(ValueError, match="header is not known"):
            failures.write(failed(next(read_updates(source, columns=KEY))))
        row = next(rows)
        failures.write(failed(row))
        with pytest.raises(TypeError, match="SourceLine"):
            failures.write(Result("failed", (), 1, None))
    with pytest.raises(ValueError, match="closed"):
        failures.write(failed(row))
    rows.close()
    for options in ({"format": "xml"}, {"format": "csv"}, {"header": ["a"], "delimiter": "ab"}):
        with pytest.raises(ValueError):
            FailuresWriter(tmp_path / "x", **options)


@pytest.mark.parametrize("name", ["failed.csv", "failed.csv.gz"])
def test_a_failures_file_has_its_name_once_it_is_whole(tmp_path, name):
    source, path = tmp_path / "a.csv", tmp_path / name
    source.write_text("tail,a\nN1,1\n")
    with read_updates(source, columns=KEY) as rows, rows.failures(path) as failures:
        failures.write(failed(next(rows)))
        assert not path.exists()
        (part,) = tmp_path.glob(f"{name}.*.part")
    assert not part.exists()
    with read_updates(path, columns=KEY) as again:
        assert [row.data for row in again] == [{"a": "1"}]


@pytest.mark.parametrize(("rows", "room_again"), [(100, False), (1000, False), (1000, True)])
@pytest.mark.parametrize("name", ["failed.csv", "failed.csv.gz"])
def test_a_failures_file_that_the_disk_did_not_take_never_has_its_name(tmp_path, name, rows, room_again):
    source, path = tmp_path / "a.csv", tmp_path / name
    source.write_text("tail,a\n" + "".join(f"N{n},{os.urandom(15).hex()}\n" for n in range(rows)))
    failures = (reader := read_updates(source, columns=KEY)).failures(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with contextlib.suppress(OSError):
            for row in reader:
                failures.write(failed(row))
        assert (failures.count < rows) == (rows == 1000)
        if room_again:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with pytest.raises(
            OSError, match=r"not be written to its end \(.* too large\); a part is in .*\.part"
        ):
            failures.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        reader.close()
    failures.close()
    assert {file.suffix for file in tmp_path.iterdir()} == {".csv", ".part"}
    assert not path.exists()


def test_a_failures_file_with_a_long_name(tmp_path):
    source, path = tmp_path / "a.csv", tmp_path / f"{'अस्वीकृत' * 10}.csv"
    source.write_text("tail,a\nN1,1\n")
    assert len(os.fsencode(path.name)) > 200
    rows = write_failures(read_updates(source, columns=KEY), path)
    assert list(read_updates(path, columns=KEY)) == rows


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        ('{"_chakra":{"line":99999999999999999999},"tail":"N9"}', 2),
        ('{"_chakra":{"line":true},"tail":"N9"}', 2),
        ('{"_chakra":{"line":-1},"tail":"N9"}', 2),
        ('{"_chakra":{"line":7},"tail":"N9"}', 7),
        ('{"_chakra":' + "[" * 3000, 2),
    ],
)
def test_a_json_failures_file_takes_any_note_of_the_row(tmp_path, line, noted):
    source, path = tmp_path / "a.jsonl", tmp_path / "failed.jsonl"
    source.write_text(f'{{"tail":"N1"}}\n{line}\n{{"tail":"N2"}}\n')
    assert len(write_failures(read_updates(source, columns=KEY), path)) == 3
    lines = path.read_text().splitlines()
    assert f'"_chakra":{{"line":{noted},' in lines[1]
    assert len(lines) == 3


def test_a_failures_file_that_is_discarded_leaves_nothing(tmp_path):
    source, path = tmp_path / "a.csv", tmp_path / "failed.csv"
    source.write_text("tail,a\nN1,1\n")
    with read_updates(source, columns=KEY) as rows, rows.failures(path) as failures:
        failures.write(failed(next(rows)))
        failures.discard()
    assert list(tmp_path.iterdir()) == [source]


def test_a_failures_file_replaces_none_that_has_come_into_being(tmp_path):
    source, path = tmp_path / "a.csv", tmp_path / "failed.csv"
    source.write_text("tail,a\nN1,1\n")
    with read_updates(source, columns=KEY) as rows:
        failures = rows.failures(path)
        failures.write(failed(next(rows)))
        path.write_text("precious")
        with pytest.raises(FileExistsError, match=r"exists by now; the rows are in .*part"):
            failures.close()
    (part,) = tmp_path.glob("*.part")
    assert (path.read_text(), len(part.read_text().splitlines())) == ("precious", 2)


def test_errors_of_any_shape_keep_the_file_readable(tmp_path):
    source, path = tmp_path / "a.tsv", tmp_path / "failed.tsv"
    source.write_text("tail\ta\nN1\t1\n")
    with read_updates(source, columns=KEY) as rows, rows.failures(path) as failures:
        row = next(rows)
        for error in ("\0", 'a"b\tc\r\nd', "\ud800", "x" * 500_000, ""):
            failures.write(Result("failed", (error, error), None, row.ref))
        failures.write(Result("failed", (), None, row.ref))
    assert list(read_updates(path, columns=KEY)) == [row] * 6


# Properties


@given(
    st.binary(max_size=300) | st.text(alphabet='ab",;\n\r\t\\{}[]:1é\ufeff\0', max_size=300).map(str.encode)
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_become_rows_or_rejections(data):
    for fmt, head in (("csv", b""), ("csv", b"tail,a\n"), ("jsonl", b""), ("jsonl", b'{"tail":')):
        try:
            rows = updates(head + data, fmt=fmt)
        except ValueError as error:
            assert type(error) is ValueError  # noqa: PT017
            assert fmt == "csv"
            assert not head
        except OSError:
            assert data.startswith(b"\x1f\x8b")
        else:
            assert all(isinstance(row, (ProcessUpdate, RejectedRow)) for row in rows)
            lines = [row.ref.line for row in rows]
            assert lines == sorted(set(lines))
            for row in rows:
                if isinstance(row, ProcessUpdate):
                    json.dumps(row.data).encode()


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    st.lists(st.tuples(CELL.filter(lambda text: text.strip()), CELL, CELL), max_size=20),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
@settings(deadline=None)
def test_a_written_csv_file_is_read_as_it_was(table, delimiter, quoting, encoding):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
    writer.writerow(["tail", "a", "b"])
    writer.writerows(table)
    columns = Columns(key="tail", empty="text")
    rows = updates(file.getvalue().encode(encoding), columns, delimiter=delimiter)
    assert rows == [ProcessUpdate(key=("tail", key), data={"a": a, "b": b}) for key, a, b in table]


@given(
    lines=st.lists(
        st.lists(CELL, min_size=2, max_size=4).map(lambda cells: ",".join(cells))
        | st.text(alphabet='ab",\r {}é', max_size=12),
        max_size=12,
    ),
    fmt=st.sampled_from(["csv", "jsonl"]),
)
@settings(max_examples=200, deadline=None)
def test_a_failures_file_tells_the_same_as_the_original(tmp_path_factory, lines, fmt):
    folder = tmp_path_factory.mktemp("failures")
    head = ["tail,a,b"] if fmt == "csv" else ['{"tail":"x"}']
    source = folder / f"0.{fmt}"
    source.write_bytes("\n".join([*head, *lines]).encode())
    columns = Columns(key="tail", empty="text")
    generations = []
    for number in range(3):
        path = folder / f"{number}.{fmt}"
        if path.exists():
            generations.append(
                write_failures(read_updates(path, columns=columns), folder / f"{number + 1}.{fmt}")
            )
    for again in generations[1:]:
        assert [type(row) for row in again] == [type(row) for row in generations[0]]
        assert [row for row in again if isinstance(row, ProcessUpdate)] == [
            row for row in generations[0] if isinstance(row, ProcessUpdate)
        ]


class Endless(io.RawIOBase):
    """A file made while it is read."""

    def __init__(self, head: bytes, line: bytes, count: int) -> None:
        self._parts = itertools.chain([head], itertools.repeat(line * 100, count // 100))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._rest or next(self._parts, b"")
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._rest = data[size:]
        return size


@pytest.mark.parametrize(
    ("fmt", "head", "line", "rows"),
    [
        ("csv", b"tail,a,b\n", b"N1,some text,more text\n", 30_000),
        ("jsonl", b"", b'{"tail":"N1","a":"some text","b":"more text"}\n', 30_000),
        ("csv", b'tail,a,b\nN0,"no end,x\n', b"N1,some text,more text\n", 30_001),
    ],
)
def test_memory_stays_flat(fmt, head, line, rows):
    reader = read_updates(Endless(head, line, 30_000), columns=KEY, format=fmt)
    next(reader)
    tracemalloc.start()
    try:
        count = 1 + sum(1 for _ in reader)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == rows
    assert peak < 3_000_000


def test_a_file_without_line_ends_does_not_fill_the_memory():
    reader = read_updates(Endless(b"tail,a,b\n", b"x" * 1000, 40_000), columns=KEY, format="csv")
    tracemalloc.start()
    try:
        [row] = reader
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(row, RejectedRow)
    assert peak < 6 * _files.MAX_LINE


def test_a_reader_describes_itself_so_that_it_can_be_opened_again(tmp_path):
    path = tmp_path / "planes.csv"
    path.write_text("Tail;year;when\nN1;1999;2026-01-01T00:00\nN2;NA;x\n", encoding="cp1252")
    columns = Columns(
        key="Tail",
        key_id="tailnum",
        next_action_at="when",
        data={"year": "built"},
        types={"year": "int"},
        missing=("NA",),
        timezone="Asia/Kolkata",
    )
    first = read_updates(path, columns=columns, encoding="cp1252", delimiter=";")
    description = json.loads(json.dumps(first.describe()))
    again = reopen(description)
    assert again.describe() == first.describe() == description
    assert list(again) == list(first)
    path.write_text("Tail;year;when\nN1;1998;2026-01-01T00:00\nN2;NA;x\n", encoding="cp1252")
    changed = again.describe()
    assert {name for name in description if description[name] != changed[name]} == {"head", "tail"}


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        (timezone(timedelta(hours=5, minutes=30)), "UTC+05:30"),
        (timezone(-timedelta(hours=3), "home"), "UTC-03:00"),
        (timezone(timedelta(hours=5, minutes=53, seconds=28)), "UTC+05:53:28"),
        ("UTC+05:30", "UTC+05:30"),
        (UTC, "UTC"),
    ],
)
def test_a_timezone_of_any_kind_is_described(tmp_path, zone, told):
    path = tmp_path / "a.csv"
    path.write_text("tail,when\nN1,2026-01-01T00:00\n")
    first = read_updates(path, columns=Columns(key="tail", types={"when": "datetime"}, timezone=zone))
    assert first.describe()["columns"]["timezone"] == told
    again = reopen(json.loads(json.dumps(first.describe())))
    assert again.describe() == first.describe()
    assert list(again) == list(first)


def test_what_is_no_file_cannot_be_opened_again():
    reader = read_updates(io.BytesIO(b"a,b\n"), columns=Columns(key="a"), format="csv")
    with pytest.raises(ValueError, match="no file"):
        reopen(reader.describe())
    reader.close()

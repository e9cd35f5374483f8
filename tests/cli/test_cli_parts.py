"""The small parts, by value."""

import gzip
import threading
from pathlib import Path

import pytest

from chakra_async.bulk.rows import RowResult
from chakra_async.bulk.sources import FailuresWriter
from chakra_async.cli.bulk.account import Account
from chakra_async.cli.bulk.lines import count_rows
from chakra_async.cli.bulk.request import column_types
from chakra_async.cli.text import as_options, clean, counted, duration


@pytest.mark.parametrize(
    ("specs", "types"),
    [
        (["a=int"], {"a": "int"}),
        (["a=int,b=float", "c=json"], {"a": "int", "b": "float", "c": "json"}),
        (["Price, net=float,x=date"], {"Price, net": "float", "x": "date"}),
        (["a=b=int"], {"a=b": "int"}),
        (["a=int=str"], {"a=int": "str"}),
        (["a=datetime", "b=date"], {"a": "datetime", "b": "date"}),
        (["a=int,"], {"a": "int"}),
    ],
)
def test_column_types(specs, types):
    assert column_types(specs) == types


@pytest.mark.parametrize("spec", ["a", "=int", "a=integer", "a=int,b", "a=int,b=x", "a=int,a=str"])
def test_column_types_that_are_none(spec):
    with pytest.raises(ValueError, match="--type"):
        column_types([spec])


@pytest.mark.parametrize(
    ("text", "rows"), [("", 0), ("h\n", 0), ("h\na\nb", 2), ("h\na\nb\n", 2), ("h\r\na\r\n", 1)]
)
@pytest.mark.parametrize("packed", [False, True])
def test_count_rows(tmp_path, text, rows, packed):
    path = tmp_path / "f"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert count_rows(str(path), threading.Event(), other_lines=1) == rows


def test_count_rows_gives_up(tmp_path):
    stop = threading.Event()
    Path(tmp_path / "cut").write_bytes(gzip.compress(b"a\n" * 99)[:15])
    assert count_rows(str(tmp_path / "cut"), stop, other_lines=0) is None
    assert count_rows(str(tmp_path / "none"), stop, other_lines=0) is None
    stop.set()
    Path(tmp_path / "f").write_text("a\n")
    assert count_rows(str(tmp_path / "f"), stop, other_lines=0) is None


def test_words():
    assert [duration(seconds) for seconds in (0.04, 9.94, 25.6, 185, 7800)] == [
        "0.0 s", "9.9 s", "26 s", "3 min 05 s", "2 h 10 min",
    ]  # fmt: skip
    assert (counted(1, "job"), counted(1204, "job"), counted(2, "retry", "retries")) == (
        "1 job", "1,204 jobs", "2 retries",
    )  # fmt: skip
    assert clean("a\x1b[2Jb\n\tc\udc80") == "a [2Jb c"
    assert clean("x" * 400) == "x" * 297 + "..."
    assert as_options("give delimiter=';'") == "give --delimiter ';'"
    assert (
        as_options("give the file's encoding=, such as 'cp1252'")
        == "give the file's --encoding, such as 'cp1252'"
    )


def test_the_account_is_bounded_and_keeps_the_first_rows():
    account = Account()
    for index in reversed(range(1000)):
        call = f" [PATCH /v1/x, {index} attempts] Safe to try again. Request id: r{index}."
        account.add(RowResult(index, {"id": f"p{index}"}, "failed", (f"no{call}",)))
        account.add(RowResult(index, {"id": f"p{index}"}, "failed", (f"reason {index}",)))
    assert account.count == 2000
    assert len(account.groups) <= 200
    group = account.groups["failed", "no"]
    assert (group.count, [row.index for row in group.first]) == (1000, list(range(10)))


def test_the_account_knows_of_a_row_that_could_not_be_written(tmp_path):
    account = Account()
    account.writer = FailuresWriter(tmp_path / "failed.jsonl", format="jsonl")
    account.add(RowResult(0, {"id": "p0"}, "failed", ("its ref is nothing of ours",)))
    account.close()
    assert (account.count, account.written, type(account.write_error)) == (1, 0, TypeError)

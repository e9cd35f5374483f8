"""Which rows go together, and which must wait."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async.bulk.chunks import Chunk, Planner, checksum


def planned(index, identity=None, size=10):
    return index, f"item {index}", (b"%d" % index).rjust(size, b"x"), identity, None


def add(planner, *rows):
    """Plan rows that follow one another: one by itself, several together."""
    if len(rows) == 1:
        [(index, item, *encoded)] = rows
        planner.add(index, item, tuple(encoded))
    else:
        planner.extend(rows[0][0], [row[1] for row in rows], [row[2:] for row in rows])


def indexes(chunk):
    return [row.index for row in chunk.rows]


def test_rows_leave_in_order_in_chunks_of_the_given_size():
    planner = Planner(chunk_size=3, max_chunk_bytes=10_000)
    for index in range(7):
        add(planner, planned(index))
    assert indexes(planner.take(partial=False)) == [0, 1, 2]
    assert indexes(planner.take(partial=False)) == [3, 4, 5]
    assert planner.take(partial=False) is None
    assert indexes(planner.take(partial=True)) == [6]
    assert planner.take(partial=True) is None


def test_a_chunk_is_closed_before_it_grows_beyond_the_bytes_allowed():
    planner = Planner(chunk_size=100, max_chunk_bytes=50)
    for index in range(6):
        add(planner, planned(index, size=20))
    sizes = [indexes(planner.take(partial=True)) for _ in range(3)]
    assert sizes == [[0, 1], [2, 3], [4, 5]]


def test_a_row_larger_than_a_chunk_may_be_travels_alone():
    planner = Planner(chunk_size=100, max_chunk_bytes=50)
    add(planner, planned(0))
    add(planner, planned(1, size=500))
    add(planner, planned(2))
    assert [indexes(planner.take(partial=True)) for _ in range(3)] == [[0], [1], [2]]


def test_rows_of_one_process_share_a_chunk_in_their_order():
    planner = Planner(chunk_size=4, max_chunk_bytes=10_000)
    for index in range(4):
        add(planner, planned(index, ("id", "same")))
    assert indexes(planner.take(partial=False)) == [0, 1, 2, 3]


def test_a_row_waits_while_its_process_is_in_a_chunk_that_is_not_done():
    planner = Planner(chunk_size=2, max_chunk_bytes=10_000)
    for index, key in enumerate("aabacd"):
        add(planner, planned(index, ("key", key)))
    first = planner.take(partial=False)
    assert indexes(first) == [0, 1]
    second = planner.take(partial=False)
    assert indexes(second) == [2, 4]
    assert indexes(planner.take(partial=True)) == [5]
    planner.done(first)
    assert indexes(planner.take(partial=True)) == [3]


def test_rows_that_come_together_wait_one_by_one():
    planner = Planner(chunk_size=2, max_chunk_bytes=10_000)
    add(planner, *(planned(index, ("key", key)) for index, key in enumerate("ab")))
    first = planner.take(partial=False)
    add(planner, *(planned(index, ("key", key)) for index, key in enumerate("ca", start=2)))
    assert indexes(planner.take(partial=True)) == [2]
    planner.done(first)
    assert indexes(planner.take(partial=True)) == [3]


def test_any_stretch_of_a_chunk_can_be_cut_out_of_its_body():
    chunk = Chunk()
    for index, item in enumerate([b"a", b"bb", b"", b"dddd"]):
        chunk.add(index, None, (item, None, None))
    assert chunk.items(range(4)) == b"a,bb,,dddd"
    assert chunk.items(range(1, 3)) == b"bb,"
    assert chunk.items([3, 0]) == b"dddd,a"
    assert [chunk.item(place) for place in range(4)] == [b"a", b"bb", b"", b"dddd"]


def test_abandoned_rows_come_back_in_order_and_waiting_ones_with_them():
    planner = Planner(chunk_size=2, max_chunk_bytes=10_000)
    for index, key in enumerate("aabac"):
        add(planner, planned(index, ("key", key)))
    taken = planner.take(partial=False)
    assert [row.index for row in planner.abandon()] == [2, 3, 4]
    assert planner.unfinished == 2
    planner.done(taken)
    assert planner.unfinished == 0
    assert planner.take(partial=True) is None


def test_a_size_the_service_refused_holds_for_the_chunks_to_come():
    planner = Planner(chunk_size=100, max_chunk_bytes=1000)
    planner.limit(50)
    planner.limit(500)
    for index in range(4):
        add(planner, planned(index, size=20))
    assert indexes(planner.take(partial=True)) == [0, 1]


@pytest.mark.fault("B9")
@given(
    keys=st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=60),
    chunk_size=st.integers(1, 8),
    max_bytes=st.integers(1, 200),
    places=st.integers(1, 4),
    data=st.data(),
)
def test_whatever_the_rows_none_is_lost_or_doubled_and_order_per_process_holds(
    keys, chunk_size, max_bytes, places, data
):
    planner = Planner(chunk_size, max_bytes, sums=True)
    coming = [
        planned(index, None if key is None else ("key", str(key)), size=data.draw(st.integers(1, 30)))
        for index, key in enumerate(keys)
    ]
    in_flight: list[Chunk] = []
    arrived = []
    waiting = list(coming)
    while waiting or planner.unfinished:
        if waiting:
            together = data.draw(st.integers(1, 4))
            add(planner, *waiting[:together])
            del waiting[:together]
        while len(in_flight) < places:
            chunk = planner.take(partial=not waiting or data.draw(st.booleans()))
            if chunk is None:
                break
            assert 1 <= len(chunk.rows) <= chunk_size
            assert len(chunk.rows) == 1 or chunk.length - 1 <= max_bytes
            in_flight.append(chunk)
        assert planner.unfinished == len(keys) - len(waiting) - len(arrived)
        holders = Counter(key for chunk in in_flight for key in {row.identity for row in chunk.rows} if key)
        assert all(count == 1 for count in holders.values())
        if in_flight and (not waiting or data.draw(st.booleans())):
            chunk = in_flight.pop(data.draw(st.integers(0, len(in_flight) - 1)))
            arrived += chunk.rows
            texts = [coming[row.index][2] for row in chunk.rows]
            assert chunk.items(range(len(texts))) == b",".join(texts)
            assert [chunk.item(place) for place in range(len(texts))] == texts
            assert chunk.items(range(len(texts))) == b",".join(texts)
            assert list(chunk.sums) == [checksum(text) for text in texts]
            planner.done(chunk)
    assert sorted(row.index for row in arrived) == list(range(len(keys)))
    assert planner.unfinished_bytes == 0
    for key in {identity for *_, identity, _ in coming if identity}:
        order = [row.index for row in arrived if row.identity == key]
        assert order == sorted(order)

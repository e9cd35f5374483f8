"""Downloads: where the bytes go, cuts and resumption, what is checked, redirects and the token."""

import asyncio
import base64
import gzip
import hashlib
import io
import os
import socket
import stat
import tempfile
import time
from contextlib import suppress

import aiohttp
import pytest
from yarl import URL

from chakra_async import (
    ApiError,
    ChakraError,
    Client,
    ConnectError,
    DecodeError,
    IncompleteReadError,
    Limits,
    NotFoundError,
    RequestTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    Timeouts,
)
from chakra_async._transfer.addresses import kind_of
from chakra_async._transfer.wire import redirect_target
from chakra_async.emulator import Emulator
from tests.raw import (
    FIN,
    QUICK,
    RST,
    STALL,
    TOKEN,
    Drip,
    RawServer,
    answer,
    closed_port,
    quick_client,
    wrapped,
)


CONTENT = bytes(range(256)) * 3000
HASH = hashlib.sha256(CONTENT).hexdigest()
HALF = 400_000
JPEG = {"kind": "image/jpeg"}
WHOLE = answer(body=CONTENT, **JPEG)
ONCE = RetryPolicy(attempts=1)


def cut(at=HALF, **headers):
    """The beginning of an answer; then, once a reader has had time to take it, the connection ends."""
    begun = answer(body=CONTENT, **JPEG, **headers)[: at - len(CONTENT)]
    return [begun[:-1], Drip(begun[-1:], 0.05), FIN]


def part(start, *, total=768_000, **headers):
    body = CONTENT[start:]
    shown = {"Content_Range": f"bytes {start}-{start + len(body) - 1}/{total}", **headers}
    return answer(206, body, **{**JPEG, **shown})


def left_in(folder):
    return [path.name for path in folder.iterdir()]


class Taking:
    """Something to write to by coroutine."""

    def __init__(self):
        self.got = b""

    async def write(self, data):
        await asyncio.sleep(0)
        self.got += data


class Sipping(Taking):
    """Takes less than it is given."""

    async def write(self, data):
        await super().write(data[:10_000])
        return len(data[:10_000])


# Where it goes


async def test_to_a_path(recorder, chakra, tmp_path):
    recorder.forget().send(
        CONTENT, kind="image/jpeg", content_disposition="attachment; filename*=utf-8''%2e%2e%2fa%c3%bc.jpg"
    )
    target = tmp_path / "photo.jpg"
    target.write_bytes(b"old")
    seen = []
    got = await chakra.whatsapp.media.show("123", to=str(target), sha256=HASH, on_progress=seen.append)
    assert (got.path, got.size_bytes, got.content_type, got.filename) == (
        target,
        768_000,
        "image/jpeg",
        "aü.jpg",
    )
    assert (got.sha256, got.content) == (HASH, None)
    assert target.read_bytes() == CONTENT
    assert left_in(tmp_path) == ["photo.jpg"]
    assert [step.done_bytes for step in seen] == sorted({step.done_bytes for step in seen})
    assert (seen[-1].done_bytes, seen[-1].total_bytes) == (768_000, 768_000)
    assert recorder.last.target == "/v2/whatsapp/v19.0/media/123/show"
    assert recorder.last.headers["accept-encoding"] == "identity"
    assert recorder.last.headers["authorization"] == f"Bearer {TOKEN}"


async def test_into_memory(recorder, chakra):
    recorder.forget().send(CONTENT, kind="image/jpeg")
    got = await chakra.whatsapp.media.show("123", sha256=base64.b64encode(bytes.fromhex(HASH)).decode())
    assert (got.content, got.path) == (CONTENT, None)
    assert "x00" not in repr(got)


@pytest.mark.parametrize(
    "make", [io.BytesIO, Taking, Sipping, tempfile.TemporaryFile, tempfile.SpooledTemporaryFile]
)
async def test_to_a_file(make, recorder, chakra):
    recorder.forget().send(CONTENT, kind="image/jpeg")
    file = make()
    if not isinstance(file, Taking):
        file.write(b"before")
    await chakra.whatsapp.media.show("123", to=file)
    if isinstance(file, Taking):
        assert file.got == CONTENT
    else:
        file.seek(0)
        assert file.read() == b"before" + CONTENT
        file.close()


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("attachment; filename*=utf-8''a.jpg; filename*0=a.jpg", None),
        ("attachment; filename*0*=a; filename*=b", None),
        ("attachment; filename*0=a; filename*1=.jpg", "a.jpg"),
    ],
)
async def test_a_name_that_cannot_be_read_is_none(shown, name, recorder, chakra):
    recorder.forget().send(CONTENT, kind="image/jpeg", content_disposition=shown)
    got = await chakra.whatsapp.media.show("1")
    assert (got.filename, got.content) == (name, CONTENT)


async def test_by_the_mid_of_a_webhook(recorder, chakra):
    recorder.forget().send(b"1")
    base = "/v2/whatsapp/v19.0/media/whatsapp_business/attachments"
    await chakra.whatsapp.media.attachment("12 3&x")
    assert recorder.last.target == f"{base}?mid=12+3%26x"
    await chakra.whatsapp.media.attachment(
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=77&source=webhook&ext=16&hash=ARM"
    )
    assert recorder.last.target == f"{base}?mid=77&ext=16&hash=ARM"
    for wrong in ("", "https://lookaside.fbsbx.com/"):
        with pytest.raises(ValueError, match="mid"):
            await chakra.whatsapp.media.attachment(wrong)


async def test_what_is_known_of_a_file(recorder, chakra):
    url = "https://api.chakrahq.com/v2/whatsapp/v19.0/media/whatsapp_business/attachments?mid=1"
    recorder.forget().raw(
        {"url": url, "mime_type": "image/jpeg", "sha256": HASH, "file_size": "768000", "new": 1}
    )
    info = await chakra.whatsapp.media.get("123")
    assert (info.url, info.mime_type, info.sha256, info.file_size) == (url, "image/jpeg", HASH, 768_000)
    assert info.extra == {"new": 1}
    assert recorder.last.target == "/v1/whatsapp/v19.0/media/123"


async def test_a_photo_may_come_as_bytes_redirect_or_object(recorder, chakra, tmp_path):
    recorder.forget().send(CONTENT, kind="image/png")
    photo = await chakra.photos.get("1", to=tmp_path / "a")
    assert (photo.id, photo.filetype, photo.file.path) == ("1", "image/png", tmp_path / "a")
    recorder.forget().send(b"", 302, location="/elsewhere").send(CONTENT, kind="image/png")
    assert (await chakra.photos.get("1")).file.content == CONTENT
    recorder.forget().data({"id": "1", "filename": "a.png", "file": {"odd": 1}})
    photo = await chakra.photos.get("1", to=tmp_path / "b")
    assert (photo.filename, photo.file, photo.extra) == ("a.png", None, {"file": {"odd": 1}})
    assert not (tmp_path / "b").exists()


async def test_json_is_a_file_unless_it_is_the_services_wrapper(recorder, chakra):
    recorder.forget().raw({"a": 1})
    assert (await chakra.whatsapp.media.show("1")).content == b'{"a":1}'
    recorder.forget().raw({"_data": [], "_errors": ["media expired"]})
    with pytest.raises(ApiError, match="expired"):
        await chakra.whatsapp.media.show("1")
    recorder.forget().data({"id": "1"})
    with pytest.raises(DecodeError, match="a file was due, but JSON came"):
        await chakra.whatsapp.media.show("1")


async def test_targets_are_looked_at_before_anything_is_asked_for(recorder, chakra, tmp_path):
    closed = io.BytesIO()
    closed.close()
    cases = [
        (tmp_path, IsADirectoryError, "folder"),
        (".", IsADirectoryError, "folder"),
        ("", ValueError, "empty"),
        (tmp_path / "no" / "a", FileNotFoundError, "no such folder"),
        (closed, ValueError, "closed"),
        (io.StringIO(), TypeError, "'wb'"),
        (7, TypeError, "not int"),
    ]
    for target, error, words in cases:
        with pytest.raises(error, match=words):
            await chakra.whatsapp.media.show("1", to=target)
    with pytest.raises(ValueError, match="sha256"):
        await chakra.whatsapp.media.show("1", sha256="abc")
    assert not recorder.requests


async def test_what_is_no_regular_file_is_refused_and_stays(recorder, chakra, tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for target in (pipe, link):
        with pytest.raises(FileExistsError, match="no regular file"):
            await chakra.whatsapp.media.show("1", to=target)
    assert pipe.is_fifo()
    assert not recorder.requests


async def test_what_a_link_leads_to_is_replaced(recorder, chakra, tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("new", "old"):
        target, link = tmp_path / "folder" / name, tmp_path / f"link to {name}"
        if name == "old":
            target.write_bytes(b"old")
        link.symlink_to(target)
        recorder.forget().send(CONTENT, kind="image/jpeg")
        assert (await chakra.whatsapp.media.show("1", to=link)).path == link
        assert link.is_symlink()
        assert (target.is_symlink(), target.read_bytes()) == (False, CONTENT)
    assert sorted(left_in(tmp_path / "folder")) == ["new", "old"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
async def test_what_is_replaced_leaves_its_mode(mode, recorder, chakra, tmp_path):
    recorder.forget().send(CONTENT, kind="image/jpeg")
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(mode)
    seen = set()

    def look(_):
        (unfinished,) = (path for path in tmp_path.iterdir() if path != target)
        seen.add(stat.S_IMODE(unfinished.stat().st_mode))

    await chakra.whatsapp.media.show("1", to=target, on_progress=look)
    assert (stat.S_IMODE(target.stat().st_mode), target.read_bytes()) == (mode, CONTENT)
    assert seen == {0o600}


@pytest.mark.parametrize("name", ["ह" * 80, "漢" * 85, "🛩" * 63, "a" * 255])
async def test_every_name_that_a_file_can_have_can_be_downloaded_to(name, recorder, chakra, tmp_path):
    recorder.forget().send(CONTENT, kind="image/jpeg")
    await chakra.whatsapp.media.show("1", to=tmp_path / name)
    assert left_in(tmp_path) == [name]


async def test_a_file_that_does_not_take_all_loses_nothing_silently(recorder, chakra):
    class Deferred:
        def write(self, data):
            return self

        def __await__(self):
            yield

    recorder.forget().send(CONTENT, kind="image/jpeg")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with (
        os.fdopen(reading, "rb"),
        os.fdopen(writing, "wb", buffering=0) as full,
        pytest.raises(BlockingIOError, match="takes no more"),
    ):
        await chakra.whatsapp.media.show("1", to=full)
    with pytest.raises(TypeError, match="coroutine function"):
        await chakra.whatsapp.media.show("1", to=Deferred())


# Nothing half


async def refuse(script, tmp_path, error, *, attempts=None, words="", **options):
    """Download to each kind of target, and see that nothing is left in any."""
    file = io.BytesIO(b"before")
    file.seek(6)
    for target in (tmp_path / "a.jpg", file, None):
        async with RawServer(*script) as server, quick_client(server, **options) as chakra:
            with pytest.raises(error, match=words or None) as caught:
                await chakra.whatsapp.media.show("1", to=target, sha256=HASH)
            if attempts:
                assert caught.value.attempts == attempts
        assert left_in(tmp_path) == []
        assert file.getvalue() == b"before"
    return caught.value


@pytest.mark.fault("F3")
async def test_a_cut_download_leaves_nothing(tmp_path):
    error = await refuse([cut()], tmp_path, IncompleteReadError, attempts=1, retry=ONCE)
    assert error.retry_safe
    await refuse([[WHOLE[:HALF], RST]], tmp_path, IncompleteReadError, attempts=1, retry=ONCE)


async def test_a_stalled_download_ends(tmp_path):
    times = Timeouts(read=0.1)
    await refuse(
        [[WHOLE[:HALF], STALL]], tmp_path, RequestTimeoutError, attempts=1, retry=ONCE, timeout=times
    )


async def test_a_download_that_only_drips_ends(tmp_path):
    times = Timeouts(read=1, total=0.3)
    script = [[WHOLE[:200], Drip(CONTENT, 0.02)]]
    start = time.monotonic()
    await refuse(script, tmp_path, RequestTimeoutError, words="a second over", retry=ONCE, timeout=times)
    assert time.monotonic() - start < 4


HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


@pytest.mark.fault("T8")
@pytest.mark.parametrize(
    "script",
    {
        "announced, then silent": [HINT, STALL],
        "announced for ever": [Drip(HINT * 1000)],
        "a head for ever": [b"HTTP/1.1 200 OK\r\n", Drip(b"X-More: of it\r\n" * 1000)],
        "a refusal for ever": [answer(404, length=10**6), Drip(CONTENT)],
        "an object for ever": [answer(length=10**6), Drip(CONTENT)],
    }.items(),
    ids=lambda item: item[0],
)
async def test_a_download_that_does_not_get_to_its_file_ends(script, tmp_path):
    times = Timeouts(read=0.2, total=0.3)
    async with asyncio.timeout(10):
        await refuse(
            [script[1]], tmp_path, RequestTimeoutError, words=r"total|Timeouts", retry=ONCE, timeout=times
        )


async def test_a_slow_download_may_take_longer_than_any_total():
    times = Timeouts(read=1, total=1)
    steps = [WHOLE[:1000]]
    for at in range(1000, len(WHOLE), 100_000):
        steps += [Drip(WHOLE[at : at + 5], 0.03), WHOLE[at + 5 : at + 100_000]]
    async with RawServer(steps) as server, quick_client(server, timeout=times) as chakra:
        start = time.monotonic()
        assert (await chakra.whatsapp.media.show("1")).content == CONTENT
        assert time.monotonic() - start > 1.1


@pytest.mark.fault("F3")
async def test_the_wrong_bytes_are_refused(tmp_path):
    other = answer(body=CONTENT[::-1], **JPEG)
    await refuse([other], tmp_path, DecodeError, attempts=1, words="SHA-256")


async def test_no_file_is_an_error(tmp_path):
    for nothing in (answer(204), answer(body=b"", **JPEG)):
        await refuse([nothing], tmp_path, DecodeError, words="a file was due, but nothing came")
    await refuse([answer(404, b"Not Found", kind="text/plain")], tmp_path, NotFoundError)


async def test_memory_is_bounded():
    limits = Limits(max_response_bytes=500_000)
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + CONTENT
    for script in (WHOLE, [endless, STALL]):
        async with RawServer(script) as server, quick_client(server, limits=limits) as chakra:
            with pytest.raises(ResponseTooLargeError, match="to a path"):
                await chakra.whatsapp.media.show("1")


async def test_what_was_packed_is_unpacked_to_a_bound(tmp_path):
    packed = gzip.compress(CONTENT)
    script = answer(body=packed, **JPEG, Content_Encoding="gzip")
    async with RawServer(script) as server, quick_client(server) as chakra:
        assert (await chakra.whatsapp.media.show("1", to=tmp_path / "a", sha256=HASH)).size_bytes == len(
            CONTENT
        )
    limits = Limits(max_response_bytes=500_000)
    async with RawServer(script) as server, quick_client(server, limits=limits) as chakra:
        with pytest.raises(ResponseTooLargeError):
            await chakra.whatsapp.media.show("1", to=tmp_path / "b")
    assert left_in(tmp_path) == ["a"]


async def test_targets_that_fail_raise_their_own_error(tmp_path):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    async with RawServer(WHOLE) as server, quick_client(server) as chakra:
        with pytest.raises(OSError, match="No space"):
            await chakra.whatsapp.media.show("1", to=Full())
        with pytest.raises(ZeroDivisionError):
            await chakra.whatsapp.media.show("1", to=tmp_path / "a", on_progress=lambda _: 1 / 0)
        assert left_in(tmp_path) == []
        assert len(server.requests) == 2


@pytest.mark.fault("C1")
async def test_a_cancelled_download_leaves_nothing(tmp_path, collect_garbage):
    async with RawServer([WHOLE[:HALF], STALL]) as server, quick_client(server) as chakra:
        for wait in (0, 0.001, 0.002, 0.005, 0.01, 0.05):
            task = asyncio.create_task(chakra.whatsapp.media.show("1", to=tmp_path / "a"))
            await asyncio.sleep(wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert left_in(tmp_path) == []


# Going on where it broke


async def resumed(script, *, to=None, ranges):
    async with RawServer(*script) as server, quick_client(server) as chakra:
        got = await chakra.whatsapp.media.show("1", to=to, sha256=HASH)
    assert got.size_bytes == len(CONTENT)
    asked = [request.headers.get("range") for request in server.requests]
    assert [range_ is not None for range_ in asked] == ranges
    return server.requests


def rest(request):
    return int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))


class Ranged(RawServer):
    """Cuts its first answers, and goes on from where it is asked to."""

    def __init__(self, *cuts, **headers):
        super().__init__()
        self._cuts, self._given = list(cuts), headers

    async def _exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked = dict(row.lower().split(": ", 1) for row in head.strip().split("\r\n")[1:])
        self.requests.append(asked)
        start = int(asked["range"][6:-1]) if "range" in asked else 0
        whole = CONTENT[start:]
        shown = {"Content_Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        length = self._cuts.pop(0) if self._cuts else len(whole)
        writer.write(
            answer(206 if start else 200, whole[:length], length=len(whole), **JPEG, **shown, **self._given)
        )
        await writer.drain()
        return length == len(whole)


@pytest.mark.fault("F3")
@pytest.mark.parametrize("to", ["path", "file", "memory"])
async def test_a_download_goes_on_where_it_broke(to, tmp_path):
    file = io.BytesIO()
    target = {"path": tmp_path / "a", "file": file, "memory": None}[to]
    seen = []
    async with Ranged(HALF, 300_000, ETag='"v1"') as server, quick_client(server) as chakra:
        got = await chakra.whatsapp.media.show("1", to=target, sha256=HASH, on_progress=seen.append)
    assert (got.content or file.getvalue() or (tmp_path / "a").read_bytes()) == CONTENT
    assert len(server.requests) == 3
    assert [request.get("if-range") for request in server.requests] == [None, '"v1"', '"v1"']
    starts = [int(request["range"][6:-1]) for request in server.requests[1:]]
    assert 0 < starts[0] <= HALF
    assert starts[0] < starts[1] <= starts[0] + 300_000
    done = [step.done_bytes for step in seen]
    assert done == sorted(set(done))
    assert done[-1] == len(CONTENT)


DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
SETTLED = {"Last_Modified": DATE, "Date": "Wed, 21 Oct 2015 07:29:00 GMT"}
JUST_NOW = {"Last_Modified": DATE, "Date": "Wed, 21 Oct 2015 07:28:59 GMT"}


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept_Ranges": "bytes"},
        {"ETag": 'W/"weak"'},
        {"ETag": 'W/"weak"', **SETTLED},
        {"Last_Modified": DATE},
        JUST_NOW,
        {**SETTLED, "Date": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"},
        {**SETTLED, "Date": "Wed, 21 Oct 2016 07:28:00 -0000"},
        {**SETTLED, "Last_Modified": "yesterday"},
    ],
    ids=str,
)
async def test_a_rest_is_asked_for_only_where_the_file_is_known_again(headers, tmp_path):
    await resumed([cut(**headers), WHOLE], to=tmp_path / "a", ranges=[False, False])


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    ("first", "validator", "same", "other"),
    [
        ({"ETag": '"1"'}, '"1"', {"ETag": '"1"', "Last_Modified": DATE}, {"ETag": '"2"'}),
        ({"ETag": '"1"'}, '"1"', {}, {"ETag": 'W/"1"'}),
        ({"ETag": '"1"'}, '"1"', {"kind": "application/json"}, {"Last_Modified": DATE}),
        (SETTLED, DATE, {"Last_Modified": DATE}, {"Last_Modified": JUST_NOW["Date"]}),
        (SETTLED, DATE, {}, {"ETag": '"1"'}),
    ],
)
async def test_a_rest_of_another_file_is_never_put_to_it(first, validator, same, other, tmp_path):
    for target in (tmp_path / "a", None):
        requests = await resumed([cut(**first), part(HALF, **same)], to=target, ranges=[False, True])
        assert requests[1].headers["if-range"] == validator
        script = [cut(**first), part(HALF, **other), WHOLE]
        await resumed(script, to=target, ranges=[False, True, False])


async def test_a_rest_that_nobody_asked_for_begins_anew():
    await resumed([cut(), part(HALF), WHOLE], ranges=[False, False, False])


async def test_a_part_of_a_whole_that_nobody_knows_begins_anew():
    head = b'HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nETag: "1"\r\nTransfer-Encoding: chunked\r\n\r\n'
    chunk = b"%x\r\n%b\r\n" % (HALF, CONTENT[:HALF])
    script = [[head + chunk, FIN], part(HALF, total="*"), WHOLE]
    await resumed(script, ranges=[False, True, False])
    await resumed([[head + chunk, FIN], part(HALF)], ranges=[False, True])


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    "second",
    {
        "ignored": [WHOLE],
        "changed": [part(0), WHOLE],
        "other place": [part(5), WHOLE],
        "other size": [part(HALF, total=1), WHOLE],
        "nonsense": [answer(206, b"x", kind="image/jpeg", Content_Range="what"), WHOLE],
        "refused": [answer(416), WHOLE],
    }.items(),
    ids=lambda item: item[0],
)
async def test_a_range_that_is_not_kept_begins_anew(second, tmp_path):
    script = [cut(ETag='"1"'), *second[1]]
    await resumed(script, to=tmp_path / "a", ranges=[False, True] + [False] * (len(script) - 2))
    assert (tmp_path / "a").read_bytes() == CONTENT


async def test_what_cannot_be_taken_back_is_not_begun_anew():
    async with RawServer(cut(), WHOLE) as server, quick_client(server) as chakra:
        target = Taking()
        with pytest.raises(IncompleteReadError):
            await chakra.whatsapp.media.show("1", to=target)
        assert len(server.requests) == 1
    async with Ranged(HALF, ETag='"v1"') as server, quick_client(server) as chakra:
        target = Taking()
        await chakra.whatsapp.media.show("1", to=target)
        assert target.got == CONTENT


class Unseekable(io.BytesIO):
    """As a pipe is, or a socket."""

    def seekable(self):
        return False


@pytest.mark.fault("F3")
@pytest.mark.parametrize("headers", [{"ETag": '"1"'}, {}], ids=str)
@pytest.mark.parametrize("make", [Taking, Unseekable, lambda: gzip.GzipFile(fileobj=io.BytesIO(), mode="w")])
async def test_the_whole_is_never_put_to_half_of_it(make, headers):
    target, seen = make(), []
    async with RawServer(cut(**headers), WHOLE) as server, quick_client(server) as chakra:
        with pytest.raises(IncompleteReadError) as caught:
            await chakra.whatsapp.media.show("1", to=target, on_progress=seen.append)
    assert len(server.requests) == 1 or "cannot be taken back" in str(caught.value)
    assert seen[-1].done_bytes == HALF
    if isinstance(target, gzip.GzipFile):
        stored = target.fileobj
        target.close()
        assert gzip.decompress(stored.getvalue()) == CONTENT[:HALF]
    else:
        assert (target.got if isinstance(target, Taking) else target.getvalue()) == CONTENT[:HALF]


@pytest.mark.parametrize(
    "script", [answer(404), wrapped({"id": "1"}), FIN], ids=["refused", "an object", "hung up"]
)
async def test_a_file_to_which_nothing_was_written_is_left_as_it_was(script, tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(b"before and after")
    async with RawServer(script) as server, quick_client(server) as chakra:
        with path.open("r+b") as file:
            file.seek(6)
            with suppress(ChakraError):
                assert (await chakra.photos.get("1", to=file)).file is None
            assert file.tell() == 6
    assert path.read_bytes() == b"before and after"


@pytest.mark.fault("C1")
async def test_a_download_to_a_pipe_that_nobody_reads_can_be_cancelled(collect_garbage):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        async with RawServer(WHOLE) as server, quick_client(server) as chakra:
            download = asyncio.create_task(chakra.whatsapp.media.show("1", to=pipe))
            while not server.requests:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            assert not download.done()
            download.cancel()
            ended, _ = await asyncio.wait([download], timeout=5)
            # Whoever writes to it still hears that there is no reader.
            os.close(reading)
    assert ended
    assert download.cancelled()


# Redirects


def to(url, status=302):
    return answer(status, Location=url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_goes_without_the_token(status):
    async with (
        RawServer(WHOLE) as cdn,
        RawServer(to(f"{cdn.url}/x?Signature=a%2Fb+c%20", status)) as server,
        quick_client(server) as chakra,
    ):
        got = await chakra.whatsapp.media.show("1")
    assert got.content == CONTENT
    assert cdn.requests[0].target == "/x?Signature=a%2Fb+c%20"
    assert "authorization" not in cdn.requests[0].headers
    assert not any(TOKEN in value for value in cdn.requests[0].headers.values())
    assert "cookie" not in cdn.requests[0].headers


async def test_a_redirect_on_the_same_host_keeps_the_token():
    async with RawServer(to("/other?x=1"), WHOLE) as server, quick_client(server) as chakra:
        await chakra.whatsapp.media.show("1")
    assert server.requests[1].target == "/other?x=1"
    assert server.requests[1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_blanks_in_a_redirect_do_not_break_the_request():
    async with (
        RawServer(to("/my photo.jpg?sig=a%2Fb c"), WHOLE) as server,
        quick_client(server) as chakra,
    ):
        await chakra.whatsapp.media.show("1")
    assert server.requests[1].line == "GET /my%20photo.jpg?sig=a%2Fb%20c HTTP/1.1"


@pytest.mark.fault("S5")
@pytest.mark.parametrize(
    "script",
    [
        answer(body=b"1", kind="image/jpeg", Content_Encoding=TOKEN),
        answer(302, Location=f"http://{TOKEN}.invalid/"),
    ],
    ids=["encoding", "redirect"],
)
async def test_a_token_that_is_echoed_is_in_no_error(script):
    async with RawServer(script) as server, quick_client(server, retry=ONCE) as chakra:
        with pytest.raises((DecodeError, ConnectError)) as caught:
            await chakra.whatsapp.media.show("1")
    assert "[access token]" in str(caught.value)
    assert TOKEN not in f"{caught.value} {caught.value!r} {vars(caught.value)}"


@pytest.mark.fault("S4")
async def test_whoever_left_does_not_come_back_with_the_token():
    async with RawServer(b"") as server, RawServer(to(f"{server.url}/back")) as cdn:
        server.script = [to(f"{cdn.url}/x"), WHOLE]
        async with quick_client(server) as chakra:
            await chakra.whatsapp.media.show("1")
    assert ["authorization" in request.headers for request in server.requests] == [True, False]


async def test_three_redirects_are_enough():
    async with RawServer(to("/a"), to("/b"), to("/c"), WHOLE) as server, quick_client(server) as chakra:
        assert await chakra.whatsapp.media.show("1")
    async with RawServer(to("/a")) as server, quick_client(server) as chakra:
        with pytest.raises(ApiError, match="more than 3") as caught:
            await chakra.whatsapp.media.show("1")
        assert (len(server.requests), caught.value.attempts, caught.value.status) == (4, 1, 302)


@pytest.mark.fault("S4")
@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://x.test/", "gopher://x", "", "data:,x", "http://[::1"]
)
async def test_only_http_is_followed(location):
    async with RawServer(to(location)) as server, quick_client(server) as chakra:
        with pytest.raises(ApiError, match="not followed"):
            await chakra.whatsapp.media.show("1")
        assert len(server.requests) == 1


async def test_credentials_in_a_redirect_are_dropped():
    async with RawServer(WHOLE) as cdn:
        address = cdn.url.replace("http://", "http://user:pass@")
        async with RawServer(to(address)) as server, quick_client(server) as chakra:
            await chakra.whatsapp.media.show("1")
    assert "authorization" not in cdn.requests[0].headers


@pytest.fixture
def names(monkeypatch):
    """A name server: ``names["cdn.test"] = "10.0.0.1"``; what is not in it does not exist."""
    known = {}

    async def getaddrinfo(_, host, port, **__):
        address = known.get(host, host)
        if ":" in address:
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port or 0, 0, 0))]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


PRIVATE = [
    "10.0.0.1",
    "169.254.169.254",
    "192.168.1.1",
    "172.16.0.1",
    "fe80::1",
    "fc00::1",
    "0.0.0.0",
    "100.64.0.1",
]


@pytest.mark.fault("S4")
@pytest.mark.parametrize("address", PRIVATE)
async def test_private_addresses_are_refused_by_number_and_by_name(address, names):
    names["cdn.test"] = address
    port = closed_port()
    literal = f"[{address}]" if ":" in address else address
    for host in ("cdn.test", literal):
        async with RawServer(to(f"http://{host}:{port}/x")) as server, quick_client(server) as chakra:
            with pytest.raises(ConnectError, match="not public") as caught:
                await chakra.whatsapp.media.show("1")
            assert (caught.value.attempts, caught.value.sent) == (1, False)
            assert TOKEN not in str(caught.value)


@pytest.mark.fault("S4")
async def test_loopback_is_refused_when_the_service_is_elsewhere(names):
    async with RawServer(WHOLE) as private, RawServer(b"") as server:
        server.script = [to(f"http://metadata.test:{private.url.rsplit(':', 1)[1]}/x")]
        names["chakra.test"] = "127.0.0.1"
        names["metadata.test"] = "127.0.0.1"
        async with Client(
            TOKEN, base_url=server.url.replace("127.0.0.1", "chakra.test"), retry=QUICK
        ) as chakra:
            # The service itself is at loopback, so that this is open to it.
            assert await chakra.whatsapp.media.show("1")
        async with Client(
            TOKEN, base_url=server.url.replace("127.0.0.1", "chakra.test"), retry=QUICK
        ) as chakra:
            here = await chakra._transport._open()
            # As if it were public: what counts is its address when other hosts are first visited.
            await here.outside("93.184.216.34", chakra.settings.limits)
            with pytest.raises(ConnectError, match="not public"):
                await chakra.whatsapp.media.show("1")
    assert len(private.requests) == 1


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.216.34", "public"),
        ("2606:2800:220:1:248:1893:25c8:1946", "public"),
        ("127.0.0.1", "loopback"),
        ("127.8.9.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b::5db8:d822", "public"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("0.0.0.0", "other"),
        ("::", "other"),
        ("224.0.0.1", "other"),
        ("255.255.255.255", "other"),
    ],
)
def test_addresses_are_told_apart(address, kind):
    assert kind_of(address) == kind


@pytest.mark.fault("S4")
async def test_a_download_out_of_encryption_is_refused():
    with pytest.raises(ApiError, match="out of encryption"):
        redirect_target(URL("https://a.test/x"), 302, {"location": "http://a.test/x"})
    assert (
        str(redirect_target(URL("https://a.test/x"), 302, {"location": "//b.test/y"})) == "https://b.test/y"
    )


async def test_another_hosts_troubles_do_not_pause_the_client():
    async with (
        RawServer(answer(429, Retry_After="60")) as cdn,
        RawServer(to(cdn.url)) as server,
        quick_client(server, retry=ONCE) as chakra,
    ):
        with pytest.raises(ChakraError):
            await chakra.whatsapp.media.show("1")
        assert chakra._transport.gate.rate.not_before == 0


async def test_a_lost_host_is_named_and_the_service_is_asked_again():
    away = to(f"http://127.0.0.1:{closed_port()}/secret?sig=1")
    retry = RetryPolicy(attempts=2, wait_initial=0.001)
    async with RawServer(away) as server, quick_client(server, retry=retry) as chakra:
        with pytest.raises(ConnectError, match=r"127\.0\.0\.1") as caught:
            await chakra.whatsapp.media.show("1")
    assert len(server.requests) == 2
    assert "sig=1" not in str(caught.value)


async def test_other_calls_still_follow_nothing():
    async with RawServer(to("/x")) as server, quick_client(server) as chakra:
        with pytest.raises(ApiError, match="never followed"):
            await chakra.whatsapp.media.get("1")
        assert len(server.requests) == 1


async def test_a_given_session_is_not_used_for_other_hosts():
    async with (
        RawServer(WHOLE) as cdn,
        RawServer(to(cdn.url)) as server,
        aiohttp.ClientSession(headers={"X-Mine": "1"}) as session,
    ):
        async with quick_client(server, session=session) as chakra:
            await chakra.whatsapp.media.show("1")
        assert not session.closed
    assert server.requests[0].headers["x-mine"] == "1"
    assert "x-mine" not in cdn.requests[0].headers


def test_a_client_nobody_closes_leaves_nothing_open_after_a_redirect(collect_garbage):
    async def main():
        async with RawServer(WHOLE) as cdn, RawServer(to(cdn.url)) as server:
            chakra = quick_client(server)
            assert await chakra.whatsapp.media.show("1")

    asyncio.run(main())


async def test_wrapped_answers_are_no_files():
    async with RawServer(wrapped({"id": "1"})) as server, quick_client(server) as chakra:
        with pytest.raises(DecodeError):
            await chakra.whatsapp.media.show("1")


@pytest.mark.parametrize("kind", ["object", "bytes", "redirect"])
async def test_photos_go_round_through_the_emulator(kind, tmp_path):
    with Emulator() as emulator:
        emulator.settings.photo_answer = kind
        async with Client(emulator.token, base_url=emulator.url) as chakra:
            photo = await chakra.photos.upload(CONTENT, filename="नमस्ते.jpg")
            assert (photo.filename, photo.filetype) == ("नमस्ते.jpg", "image/jpeg")
            got = await chakra.photos.get(photo.id, to=tmp_path / "a.jpg")
            assert got.id == photo.id
            assert (got.file is None) == (kind == "object")
            assert left_in(tmp_path) == ([] if kind == "object" else ["a.jpg"])
            assert got.file is None or got.file.sha256 == HASH
            with pytest.raises(NotFoundError):
                await chakra.photos.get("3f2b58d2-6a8e-4c11-9d5e-111111111111", to=tmp_path / "b.jpg")

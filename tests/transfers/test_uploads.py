"""Uploads: every kind of source, what arrives, when it is repeated, what goes wrong."""

import asyncio
import email
import email.policy
import io
import os
import socket
import struct
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import (
    AmbiguousResultError,
    ChakraError,
    Client,
    ConnectError,
    IncompleteReadError,
    Limits,
    PayloadTooLargeError,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    Timeouts,
    Transferred,
)
from chakra_async._transfer.files import safe_name, type_of
from chakra_async._transfer.upload import Upload
from tests.raw import (
    QUICK,
    RST,
    STALL,
    TOKEN,
    RawServer,
    Trap,
    answer,
    closed_port,
    quick_client,
    refused,
    wrapped,
)
from tests.waiting import until


CONTENT = bytes(range(256)) * 3000  # 768,000: three pieces, the last one not full
DONE = wrapped({"id": "1"})
OPEN_FILES = Path("/proc/self/fd")


class Slow:
    """A file that is read by a coroutine, a bit at a time."""

    def __init__(self, content):
        self._rest = io.BytesIO(content)

    async def read(self, size):
        await asyncio.sleep(0)
        return self._rest.read(min(size, 100_001))


async def pieces(content, size=100_000):
    for start in range(0, len(content), size):
        yield content[start : start + size]


def pipe(content):
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb") as file:
            file.write(content)

    threading.Thread(target=write).start()
    return os.fdopen(reading, "rb")


def spooled(content):
    file = tempfile.SpooledTemporaryFile(max_size=1000)  # noqa: SIM115
    file.write(content)
    file.seek(0)
    return file


def written(path, content):
    path.write_bytes(content)
    return path


SIZED = {
    "path": lambda path: written(path, CONTENT),
    "text": lambda path: str(written(path, CONTENT)),
    "bytes": lambda _: CONTENT,
    "bytearray": lambda _: bytearray(CONTENT),
    "memoryview": lambda _: memoryview(CONTENT).cast("H"),
    "BytesIO": lambda _: io.BytesIO(CONTENT),
    "file": lambda path: written(path, CONTENT).open("rb"),
    "raw file": lambda path: written(path, CONTENT).open("rb", buffering=0),
    "spooled": lambda _: spooled(CONTENT),
}
UNSIZED = {
    "async generator": lambda _: pieces(CONTENT),
    "large pieces": lambda _: pieces(CONTENT, 700_000),
    "small pieces": lambda _: pieces(CONTENT, 1_000),
    "generator": lambda _: (CONTENT[at : at + 99_999] for at in range(0, len(CONTENT), 99_999)),
    "list": lambda _: [CONTENT[:5], b"", bytearray(CONTENT[5:])],
    "coroutine file": lambda _: Slow(CONTENT),
    "pipe": lambda _: pipe(CONTENT),
}


def close(source):
    if hasattr(source, "close"):
        source.close()


@pytest.mark.parametrize("make", SIZED.values(), ids=SIZED)
async def test_what_knows_its_size_announces_it(make, recorder, chakra, tmp_path):
    source = make(tmp_path / "a.jpg")
    seen = []
    photo = await chakra.photos.upload(source, filename="a.jpg", on_progress=seen.append)
    assert (photo.id, photo.filetype, photo.file) == ("7b9", "image/jpeg", None)
    assert recorder.last.parts["photo"] == ("a.jpg", "image/jpeg", CONTENT)
    assert int(recorder.last.headers["content-length"]) == len(recorder.last.body)
    assert seen[-1] == Transferred(len(CONTENT), len(CONTENT))
    assert [step.done_bytes for step in seen] == sorted({step.done_bytes for step in seen})
    assert not getattr(source, "closed", False)
    close(source)


@pytest.mark.parametrize("make", UNSIZED.values(), ids=UNSIZED)
async def test_what_does_not_travels_in_chunks(make, recorder, chakra, tmp_path):
    source = make(tmp_path)
    seen = []
    await chakra.photos.upload(source, filename="a.jpg", on_progress=seen.append)
    assert recorder.last.parts["photo"] == ("a.jpg", "image/jpeg", CONTENT)
    assert recorder.last.headers["transfer-encoding"] == "chunked"
    assert seen[-1] == Transferred(len(CONTENT), None)
    close(source)


async def test_a_size_can_be_given_where_the_source_knows_none(recorder, chakra):
    await chakra.photos.upload(pieces(CONTENT), filename="a.jpg", size_bytes=len(CONTENT))
    assert "transfer-encoding" not in recorder.last.headers
    assert recorder.last.parts["photo"][2] == CONTENT


async def test_a_file_is_sent_from_where_it_stands(recorder, chakra, tmp_path):
    with written(tmp_path / "b.png", CONTENT).open("rb") as file:
        file.seek(700_000)
        await chakra.photos.upload(file)
    assert recorder.last.parts["photo"] == ("b.png", "image/png", CONTENT[700_000:])


async def test_public_media_are_uploaded_to_the_plugin(recorder, chakra):
    url = "https://chakra-public-media.chakrahq.com/t/2026-01-01/u.ogg"
    recorder.forget().data({"publicMediaUrl": url})
    media = await chakra.whatsapp.media.upload_public(b"OggS", filename="note.ogg")
    assert media.public_media_url == url
    assert recorder.last.target == "/v1/ext/plugin/whatsapp/plug/upload-public-media"
    assert recorder.last.parts["file"] == ("note.ogg", "audio/ogg", b"OggS")
    await chakra.whatsapp.media.upload_public(b"OggS", filename="note.ogg", plugin_id="a/b")
    assert recorder.last.target == "/v1/ext/plugin/whatsapp/a%2Fb/upload-public-media"


async def test_the_sync_client_uploads_and_downloads(recorder, tmp_path):
    def work():
        threads = set()
        with recorder.sync_client(plugin_id="plug") as sync:
            with written(tmp_path / "a.jpg", CONTENT).open("rb") as file:
                assert sync.photos.upload(
                    file, on_progress=lambda _: threads.add(threading.current_thread())
                ).id
            assert recorder.last.parts["photo"][2] == CONTENT
            assert sync.photos.upload((CONTENT[:400_000] for _ in range(2)), filename="a.jpg").id == "7b9"
            assert recorder.last.parts["photo"][2] == CONTENT[:400_000] * 2
            recorder.forget().send(CONTENT, kind="image/jpeg")
            assert sync.whatsapp.media.show("m", to=tmp_path / "b.jpg").size_bytes == len(CONTENT)
            assert sync.photos.get("m").file.content == CONTENT
        assert threads
        assert threading.current_thread() not in threads

    await asyncio.to_thread(work)
    assert (tmp_path / "b.jpg").read_bytes() == CONTENT


async def test_the_loop_goes_on_while_a_file_blocks(chakra):
    class Blocking(io.BytesIO):
        def read(self, size=-1):
            time.sleep(0.02)
            return super().read(size)

    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await chakra.photos.upload(Blocking(CONTENT), filename="a.jpg")
    ticking.cancel()
    assert ticks > 20


# Names and types


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("a.jpg", "a.jpg"),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\pictures\\a.jpg", "a.jpg"),
        ('say "cheese".jpg', 'say "cheese".jpg'),
        ("two\r\nlines\x00.jpg", "two__lines_.jpg"),
        ("नमस्ते 🛩.jpg", "नमस्ते 🛩.jpg"),
        ("\udcff.jpg", "_.jpg"),
        ("x" * 500 + ".jpg", "x" * 196 + ".jpg"),
        ("..", "file"),
        ("/", "file"),
    ],
)
async def test_names_arrive_safe_and_readable(name, arrives, recorder, chakra):
    await chakra.photos.upload(b"1", filename=name, content_type="image/jpeg")
    assert recorder.last.parts["filename"][2].decode() == arrives
    assert recorder.last.parts["filetype"][2] == b"image/jpeg"
    assert len(recorder.last.parts) == 3


@given(st.text(st.characters(), max_size=300))
def test_no_name_leaves_its_folder_or_its_header(name):
    safe = safe_name(name)
    assert safe
    assert safe not in {".", ".."}
    assert not set(safe) & set("/\\\r\n\0\u2028")
    assert len(safe.encode()) <= 200
    assert safe_name(safe) == safe


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_every_name_makes_one_form_with_the_name_in_it(name):
    upload = Upload("photo", b"content", Timeouts(), filename=name, content_type="image/png")

    async def body():
        await upload.begin()
        return b"".join([bytes(piece) async for piece in upload.pieces()])

    whole = asyncio.run(body())
    assert len(whole) == upload.size
    head = f"Content-Type: {upload.content_type}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + whole, policy=email.policy.HTTP).get_payload()
    assert len(parts) == 2
    assert parts[0].get_payload(decode=True).decode() == upload.filename
    assert parts[1].get_payload(decode=True) == b"content"


WHATSAPP = {
    "aac": "audio/aac",
    "amr": "audio/amr",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "jpeg": "image/jpeg",
    "JPG": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "3gp": "video/3gpp",
    "mp4": "video/mp4",
    "txt": "text/plain",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "tar.gz": "application/gzip",
    "json": "application/json",
}


@pytest.mark.parametrize(("ending", "kind"), WHATSAPP.items())
def test_every_type_that_whatsapp_takes_is_told_by_its_name(ending, kind):
    assert type_of(f"what: a?name#1.{ending}") == kind


async def test_a_type_that_cannot_be_told_is_asked_for(recorder, chakra):
    for source, options in [(b"1", {}), (b"1", {"filename": "a.xyzzy"}), (io.BytesIO(b"1"), {})]:
        with pytest.raises(ValueError, match="content_type"):
            await chakra.photos.upload(source, **options)
    for wrong in ("jpeg", "image/jpeg\r\nX: 1", ""):
        with pytest.raises(ValueError, match="content_type"):
            await chakra.photos.upload(b"1", content_type=wrong)
    assert not recorder.requests
    await chakra.photos.upload(b"1", content_type="audio/ogg; codecs=opus")
    assert recorder.last.parts["photo"][:2] == ("file.oga", "audio/ogg")


# Sources that fail


@pytest.mark.fault("F1")
@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
async def test_a_source_of_another_size_than_announced_is_never_a_success(size, recorder, chakra):
    with pytest.raises(ValueError, match=f"{size:,} bytes"):
        await chakra.photos.upload(pieces(CONTENT), filename="a.jpg", size_bytes=size)
    with pytest.raises(ValueError, match=f"{size:,}"):
        await chakra.photos.upload(CONTENT, filename="a.jpg", size_bytes=size)
    assert not recorder.requests
    assert await chakra.photos.upload(b"1", filename="a.jpg")


@pytest.mark.fault("F1")
@pytest.mark.parametrize("grow", [True, False])
async def test_a_file_that_changes_on_the_way_is_never_a_success(grow, recorder, chakra, tmp_path):
    path = written(tmp_path / "a.jpg", CONTENT)

    def change(_):
        with path.open("ab") as file:
            file.truncate(len(CONTENT) + 1 if grow else len(CONTENT) - 300_000)

    with pytest.raises(ValueError, match="more than the" if grow else "ended after"):
        await chakra.photos.upload(path, on_progress=change)
    assert not recorder.requests


@pytest.mark.fault("F1")
async def test_what_is_empty_closed_or_no_source_is_refused_at_once(recorder, chakra, tmp_path):
    closed = io.BytesIO(CONTENT)
    closed.close()
    at_end = io.BytesIO()
    at_end.write(b"1")
    cases = [
        (b"", ValueError, "nothing to upload"),
        (written(tmp_path / "empty.jpg", b""), ValueError, "nothing to upload"),
        (at_end, ValueError, "stands at its end"),
        (closed, ValueError, "closed"),
        (tmp_path / "none.jpg", FileNotFoundError, "none.jpg"),
        (tmp_path, IsADirectoryError, str(tmp_path)),
        (io.StringIO("1"), TypeError, "'rb'"),
        (7, TypeError, "not int"),
    ]
    for source, error, words in cases:
        with pytest.raises(error, match=words):
            await chakra.photos.upload(source, filename="a.jpg")
    assert not recorder.requests


async def test_a_source_that_fails_on_the_way_raises_its_own_error(recorder, chakra, tmp_path):
    async def broken(error):
        yield CONTENT
        raise error

    def halfway():
        yield CONTENT
        raise OSError(5, "Input/output error")

    errors = [RuntimeError("mine"), OSError(5, "disk"), TimeoutError("mine"), KeyError("mine")]
    for error in errors:
        with pytest.raises(type(error)) as caught:
            await chakra.photos.upload(broken(error), filename="a.jpg")
        assert caught.value is error
    with pytest.raises(OSError, match="Input/output"):
        await chakra.photos.upload(halfway(), filename="a.jpg")
    with pytest.raises(TypeError, match="gave str"):
        await chakra.photos.upload(["text"], filename="a.jpg")
    with pytest.raises(ValueError, match="at least one byte"):
        await chakra.photos.upload(iter(()), filename="a.jpg")
    with (
        written(tmp_path / "a.jpg", CONTENT * 4).open("rb") as file,
        pytest.raises(ValueError, match="closed"),
    ):
        await chakra.photos.upload(file, on_progress=lambda _: file.close())
    with pytest.raises(ZeroDivisionError):
        await chakra.photos.upload(CONTENT, filename="a.jpg", on_progress=lambda _: 1 / 0)
    assert not recorder.requests
    assert await chakra.photos.upload(b"1", filename="a.jpg")


@pytest.mark.fault("F1")
async def test_none_is_no_piece_and_no_end(recorder, chakra):
    async def one_after_another():
        for piece in (CONTENT, None, CONTENT):
            yield piece

    for source in ([CONTENT, None, CONTENT], one_after_another()):
        with pytest.raises(TypeError, match="gave NoneType"):
            await chakra.photos.upload(source, filename="a.jpg")
    assert not recorder.requests


async def test_what_no_task_can_be_told_is_told_in_other_words(chakra, recorder):
    class Iterated:
        def __init__(self):
            self._pieces = iter([CONTENT])

        def read(self, _):
            return next(self._pieces)

    async def lost():
        yield CONTENT
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="raised StopIteration; at its end"):
        await asyncio.wait_for(chakra.photos.upload(Iterated(), filename="a.jpg"), 5)
    with pytest.raises(RuntimeError, match="source of the upload was cancelled"):
        await chakra.photos.upload(lost(), filename="a.jpg")
    assert not recorder.requests


@pytest.mark.fault("C1")
async def test_a_cancelled_upload_leaves_nothing_open(tmp_path, collect_garbage):
    path = written(tmp_path / "a.jpg", CONTENT * 20)
    async with Trap(stall) as server, quick_client(server) as chakra:
        for wait in (0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.05):
            task = asyncio.create_task(chakra.photos.upload(path))
            await asyncio.sleep(wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        here = chakra._transport._loops[asyncio.get_running_loop()]
        assert here.turnstile.inside == 0
        assert not here.session.connector._acquired
    if OPEN_FILES.exists():
        assert not any(file.exists() and file.samefile(path) for file in OPEN_FILES.iterdir())


class Waiting:
    """A source that waits for its second piece until it is let go on, or has waited for too long."""

    def __init__(self):
        self.reached, self.go_on, self.waited = threading.Event(), threading.Event(), []

    def __iter__(self):
        yield CONTENT
        self.reached.set()
        self.waited.append(self.go_on.wait(5))


@pytest.mark.fault("C1")
def test_nobody_who_closes_waits_for_a_source(recorder):
    def upload():
        with suppress(ChakraError):
            sync.photos.upload(source, filename="a.jpg")

    async def give_up():
        async with recorder.client() as chakra:
            uploading = asyncio.create_task(chakra.photos.upload(source, filename="a.jpg"))
            while not source.reached.is_set():
                await asyncio.sleep(0.001)
            uploading.cancel()

    source = Waiting()
    with recorder.sync_client() as sync:
        uploading = threading.Thread(target=upload)
        uploading.start()
        assert source.reached.wait(5)
    uploading.join(5)
    assert (source.waited, uploading.is_alive()) == ([], False)
    source.go_on.set()
    source = Waiting()
    asyncio.run(give_up())
    assert source.waited == []
    source.go_on.set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_that_nobody_writes_to_is_left_and_then_closed(recorder, tmp_path):
    def unread():
        with suppress(BrokenPipeError):
            return not writing.write(b"1")
        return True

    async def give_up():
        async with recorder.client() as chakra:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(chakra.photos.upload(path, filename="a.jpg"), 0.1)

    path = tmp_path / "pipe"
    os.mkfifo(path)
    late = threading.Timer(5, lambda: os.close(os.open(path, os.O_RDWR)))
    late.start()
    asyncio.run(give_up())
    assert late.is_alive()
    late.cancel()
    with path.open("wb", buffering=0) as writing:
        until(unread)


async def test_sources_that_wait_take_no_threads_from_others(recorder, tmp_path):
    sources = [Waiting() for _ in range(40)]
    async with recorder.client() as chakra:
        uploads = [asyncio.create_task(chakra.photos.upload(one, filename="a.jpg")) for one in sources]
        async with asyncio.timeout(4):
            while not all(source.reached.is_set() for source in sources):
                await asyncio.sleep(0.001)
            await asyncio.to_thread(int)
            await chakra.photos.upload(written(tmp_path / "a.jpg", CONTENT))
        assert not any(source.waited for source in sources)
        for source in sources:
            source.go_on.set()
        assert all(photo.id for photo in await asyncio.gather(*uploads))
    assert all(source.waited == [True] for source in sources)


# When it is repeated


REPEATED = {
    "with an id": {"photo_id": "3f2b"},
    "without": {},
}


@pytest.mark.parametrize("options", REPEATED.values(), ids=REPEATED)
async def test_a_lost_answer_is_repeated_only_with_an_id(options, tmp_path):
    sources = [CONTENT, io.BytesIO(CONTENT), written(tmp_path / "a.jpg", CONTENT)]
    for source in sources:
        async with RawServer(RST, DONE) as server, quick_client(server) as chakra:
            call = chakra.photos.upload(source, filename="a.jpg", **options)
            if options:
                assert (await call).id == "1"
                assert (
                    server.requests[0].body.split(b"\r\n", 1)[1]
                    == server.requests[1].body.split(b"\r\n", 1)[1]
                )
            else:
                with pytest.raises(AmbiguousResultError) as caught:
                    await call
                assert (caught.value.sent, caught.value.retry_safe) == (True, False)
            assert len(server.requests) == 1 + bool(options)
            assert CONTENT in server.requests[-1].body


@pytest.mark.parametrize("options", REPEATED.values(), ids=REPEATED)
async def test_a_429_is_repeated_from_the_beginning(options):
    seen = []
    async with (
        RawServer(refused(429, "slow", Retry_After="0"), DONE) as server,
        quick_client(server) as chakra,
    ):
        await chakra.photos.upload(
            io.BytesIO(CONTENT),
            filename="a.jpg",
            on_progress=lambda step: seen.append(step.done_bytes),
            **options,
        )
    assert [CONTENT in request.body for request in server.requests] == [True, True]
    assert seen == [262144, 524288, 768000] * 2


@pytest.mark.fault("F1")
@pytest.mark.parametrize("make", [lambda: pieces(CONTENT), lambda: pipe(CONTENT)], ids=["pieces", "pipe"])
async def test_what_cannot_be_read_again_is_not_repeated(make):
    script = refused(429, "slow", Retry_After="0")
    async with RawServer(script) as server, quick_client(server) as chakra:
        source = make()
        with pytest.raises(RateLimitError) as caught:
            await chakra.photos.upload(source, filename="a.jpg", photo_id="3f2b", size_bytes=len(CONTENT))
        close(source)
    assert (caught.value.attempts, caught.value.retry_safe) == (1, True)
    assert len(server.requests) == 1


async def test_what_was_not_begun_is_repeated_even_so():
    retry = RetryPolicy(attempts=3, wait_initial=0.001)
    async with Client(TOKEN, base_url=f"http://127.0.0.1:{closed_port()}", retry=retry) as chakra:
        with pytest.raises(ConnectError) as caught:
            await chakra.photos.upload(pieces(CONTENT), filename="a.jpg", size_bytes=len(CONTENT))
    assert caught.value.attempts == 3


async def test_a_500_is_not_repeated_without_an_id(recorder, chakra):
    recorder.forget().refuse(500, "no").data({"id": "1"})
    with pytest.raises(ServerError):
        await chakra.photos.upload(b"1", filename="a.jpg")
    assert len(recorder.requests) == 1
    recorder.forget().refuse(500, "no").data({"id": "1"})
    assert await chakra.photos.upload(b"1", filename="a.jpg", photo_id="1")
    assert [request.target for request in recorder.requests] == ["/v1/ext/photo/1"] * 2


# Services that fail


async def stall(*_):
    await asyncio.sleep(60)


async def reset(_, writer):
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BIG = b"x" * 20_000_000


async def test_a_service_that_takes_no_more_is_given_up(collect_garbage):
    times = Timeouts(write=0.2)
    retry = RetryPolicy(attempts=2, wait_initial=0.001)
    async with Trap(stall) as server, quick_client(server, timeout=times, retry=retry) as chakra:
        start = time.monotonic()
        with pytest.raises(RequestTimeoutError, match=r"Timeouts\.write") as caught:
            await chakra.photos.upload(BIG, filename="a.jpg")
        assert time.monotonic() - start < 3
        # Half an upload is none, so that it may be sent again even without an id.
        assert (caught.value.attempts, caught.value.sent, caught.value.retry_safe) == (2, True, True)
        assert server.connections == 2
        with pytest.raises(RequestTimeoutError) as caught:
            await chakra.photos.upload(pieces(BIG, 100_000), filename="a.jpg")
        assert caught.value.attempts == 1


async def test_a_service_that_takes_all_and_says_nothing_is_ambiguous():
    times = Timeouts(total=1, read=30)
    async with RawServer(STALL) as server, quick_client(server, timeout=times) as chakra:
        with pytest.raises(AmbiguousResultError):
            await chakra.photos.upload(CONTENT, filename="a.jpg")
        assert len(server.requests) == 1


async def test_a_slow_source_is_no_stall(recorder):
    async def slow():
        for seconds in (0.1, 1.1):
            await asyncio.sleep(seconds)
            yield b"12345"

    async with recorder.client(timeout=Timeouts(write=1, read=1, total=1)) as chakra:
        assert await chakra.photos.upload(slow(), filename="a.jpg")
    assert recorder.last.parts["photo"][2] == b"12345" * 2


async def test_a_slow_service_that_goes_on_is_no_stall():
    async def sip(reader, writer):
        for _ in range(20):
            await asyncio.sleep(0.06)
            await reader.readexactly(50_000)
        end = b""
        while not end.endswith(b"--\r\n"):
            piece = await reader.read(100_000)
            assert piece
            end = (end + piece)[-10:]
        writer.write(DONE)
        await writer.drain()

    async with (
        Trap(sip) as server,
        quick_client(server, timeout=Timeouts(write=1, read=1, total=1)) as chakra,
    ):
        start = time.monotonic()
        assert await chakra.photos.upload(b"x" * 8_000_000, filename="a.jpg")
        assert time.monotonic() - start > 1.1


async def test_a_connection_reset_halfway_is_tried_again_and_named():
    retry = RetryPolicy(attempts=2, wait_initial=0.001)
    async with Trap(reset, read=3000) as server, quick_client(server, retry=retry) as chakra:
        with pytest.raises(IncompleteReadError, match="during the upload") as caught:
            await chakra.photos.upload(BIG, filename="a.jpg")
        assert (caught.value.attempts, caught.value.retry_safe) == (2, True)
        assert server.connections == 2


async def test_a_refusal_that_comes_early_is_understood():
    async def refuse(reader, writer):
        writer.write(refused(413, "too large"))
        await writer.drain()
        await reader.read(1_000_000)
        await asyncio.sleep(0.05)

    async with Trap(refuse) as server, quick_client(server) as chakra:
        with pytest.raises(PayloadTooLargeError):
            await chakra.photos.upload(BIG, filename="a.jpg")
        assert server.connections == 1


async def test_a_success_that_comes_early_is_none():
    async def hurry(reader, writer):
        writer.write(DONE)
        await writer.drain()
        await asyncio.sleep(0.05)

    async with Trap(hurry) as server, quick_client(server) as chakra:
        with pytest.raises(AmbiguousResultError, match="before it had the whole"):
            await chakra.photos.upload(BIG, filename="a.jpg")


async def test_a_redirect_of_an_upload_is_not_followed():
    async with (
        RawServer(DONE) as other,
        RawServer(answer(307, Location=f"{other.url}/x")) as server,
        quick_client(server) as chakra,
    ):
        with pytest.raises(Exception, match="never followed"):
            await chakra.photos.upload(CONTENT, filename="a.jpg", photo_id="1")
    assert not other.requests


async def test_uploads_share_connections_with_other_calls(recorder):
    async with recorder.client(limits=Limits(connections=2), retry=QUICK) as chakra:
        await asyncio.gather(*(chakra.photos.upload(CONTENT, filename="a.jpg") for _ in range(10)))
    assert len(recorder.requests) == 10


async def test_the_type_of_a_given_session_is_not_that_of_an_upload(recorder):
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "text/plain"}) as session,
        recorder.client(session=session) as chakra,
    ):
        await chakra.photos.upload(CONTENT, filename="a.jpg")
        assert recorder.last.parts["photo"] == ("a.jpg", "image/jpeg", CONTENT)
        recorder.forget().data({})
        await chakra.request("POST", "/x", json={"a": "x" * 300_000})
        assert recorder.last.headers["content-type"] == "application/json"

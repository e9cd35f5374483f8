"""Photos and public media: every byte of them, and what is refused."""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
from uuid import uuid4

import aiohttp
import pytest

from chakra_async.emulator import Emulator


PHOTO = "/v1/ext/photo"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--edg\r\n-\r\n"


def path_of(emulator, url):
    assert url.startswith(emulator.url + "/")
    return url.removeprefix(emulator.url)


def test_a_photo_is_uploaded_and_fetched(api, emulator):
    answer = api.upload(PHOTO, [("photo", PNG, "a b.png", "image/png")])
    assert answer.status == 200
    photo = answer.data
    assert (photo["filename"], photo["filetype"]) == ("a b.png", "image/png")
    assert (photo["isPublic"], photo["height"], photo["width"]) == (False, None, None)
    assert set(photo) == set(
        "id createdAt updatedAt filetype filename height width isPublic team user".split()
    )
    one = f"{PHOTO}/{photo['id']}"
    assert api("GET", one).data == photo
    emulator.settings.photo_answer = "bytes"
    answer = api.raw("GET", one)
    assert (answer.body, answer.headers["Content-Type"]) == (PNG, "image/png")
    emulator.settings.photo_answer = "redirect"
    answer = api.raw("GET", one)
    assert (answer.status, answer.body) == (302, b"")
    assert api.raw("GET", path_of(emulator, answer.headers["Location"]), token="none").body == PNG
    assert api("GET", f"{PHOTO}/{uuid4()}").status == 404


def test_fields_of_the_form_come_before_what_the_file_says(api):
    fields = {"filename": "ü.jpg", "filetype": "image/jpeg"}
    photo = api.upload(PHOTO, [("photo", b"", "x.png", None)], fields).data
    assert (photo["filename"], photo["filetype"]) == ("ü.jpg", "image/jpeg")
    photo = api.upload(PHOTO, [("photo", b"", "x.png", None)]).data
    assert (photo["filename"], photo["filetype"]) == ("x.png", "image/png")


def test_a_photo_under_an_id_of_ones_own(api, emulator):
    photo_id = str(uuid4())
    first = api.upload(f"{PHOTO}/{photo_id}", [("photo", b"one", "1.png", "image/png")]).data
    assert first["id"] == photo_id
    second = api.upload(f"{PHOTO}/{photo_id.upper()}", [("photo", b"two", "2.png", "image/png")]).data
    assert (second["id"], second["filename"], second["createdAt"]) == (photo_id, "2.png", first["createdAt"])
    emulator.settings.photo_answer = "bytes"
    assert api.raw("GET", f"{PHOTO}/{photo_id}").body == b"two"
    emulator.settings.on_existing_photo = "error"
    assert api.upload(f"{PHOTO}/{photo_id}", [("photo", b"x", "3.png", None)]).status == 400
    assert api.raw("GET", f"{PHOTO}/{photo_id}").body == b"two"
    assert api.upload(f"{PHOTO}/not-a-uuid", [("photo", b"x", "3.png", None)]).status == 400


def test_an_upload_needs_a_token_that_may_write(api, emulator):
    file = [("photo", PNG, "a.png", "image/png")]
    assert api.upload(PHOTO, file, token="none").status == 401
    assert api.upload(PHOTO, file, token=emulator.add_token()).status == 403


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"{}", "application/json", "must be multipart/form-data"),
        (b"", "multipart/form-data", "Boundary not found"),
        (b"", "multipart/form-data; boundary=e", "Unexpected end of form"),
        (
            b"--e\r\nContent-Disposition: form-data; name=photo\r\n\r\nx",
            "multipart/form-data; boundary=e",
            "end",
        ),
        (b"--e\r\nX: y\r\n\r\nx\r\n--e--", "multipart/form-data; boundary=e", "Malformed part header"),
        (b"--e\r\n\r\nx\r\n--e--", "multipart/form-data; boundary=e", "Malformed part header"),
        (b"--e\r\n" + b"x" * 20_000, "multipart/form-data; boundary=e", "Malformed part header"),
        (b"--e--\r\n", "multipart/form-data; boundary=e", "must have required property 'photo'"),
        (
            b'--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 70_000 + b"\r\n--e--",
            "multipart/form-data; boundary=e",
            "too long",
        ),
    ],
)
def test_forms_that_are_refused(api, body, content_type, text):
    answer = api.raw("POST", PHOTO, body, headers={"Content-Type": content_type})
    assert answer.status == 400
    assert text in json.loads(answer.body)["_errors"][0]


def test_forms_may_come_in_pieces_of_any_size(emulator, api):
    data = random.Random(5).randbytes(3000) + b"\r\n--edg\r\n--"
    head = b'--edge\r\nContent-Disposition: form-data; name="photo"; filename="a.bin"\r\n\r\n'
    body = b"preamble\r\n" + head + data + b"\r\n--edge--\r\nepilogue"
    emulator.settings.photo_answer = "bytes"
    for size in (1, 7, 100, 1501):
        connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=10)
        headers = {
            "Authorization": f"Bearer {emulator.token}",
            "Content-Type": 'multipart/form-data; boundary="edge"',
        }
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        connection.request("POST", PHOTO, pieces, headers, encode_chunked=True)
        photo = json.loads(connection.getresponse().read())["_data"]
        connection.close()
        assert api.raw("GET", f"{PHOTO}/{photo['id']}").body == data


async def test_aiohttp_sends_a_form_that_is_understood(emulator):
    headers = {"Authorization": f"Bearer {emulator.token}"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        form = aiohttp.FormData()
        form.add_field("filename", "größe.png")
        form.add_field("photo", PNG, filename="x.png", content_type="image/png")
        async with session.post(PHOTO, data=form) as answer:
            assert (await answer.json())["_data"]["filename"] == "größe.png"


def test_an_upload_above_its_own_limit_is_413(api, emulator):
    emulator.settings.max_body_bytes = 100
    file = [("photo", b"x" * 5000, "a.png", "image/png")]
    assert api.upload(PHOTO, file).status == 200
    emulator.settings.max_upload_bytes = 5000
    answer = api.upload(PHOTO, file)
    assert (answer.status, answer.data) == (413, [])
    assert "limit of 5000" in answer.errors[0]
    assert blobs(emulator) == 1


def blobs(emulator):
    return emulator._service.store.rows("SELECT count(*) FROM blob")[0][0]


def test_what_is_not_kept_is_gone(api, emulator):
    file = [("photo", PNG, "a.png", "image/png")]
    api.upload(f"{PHOTO}/no", file)
    api.upload(PHOTO, [("other", PNG, "a.png", "image/png"), *file, *file])
    emulator.faults.next(status=503)
    assert api.upload(PHOTO, file).status == 503
    with pytest.raises(ConnectionResetError):
        emulator.faults.next(reset="before")
        api.upload(PHOTO, file)
    assert blobs(emulator) == 1
    assert emulator._service.store.rows("SELECT count(*) FROM chunk")[0][0] == 1


def test_public_media_are_served_to_everybody(api, emulator, plugin):
    answer = api.upload(
        f"{plugin}/upload-public-media", [("file", PNG, "voice.OGG", "audio/ogg; codecs=opus")]
    )
    url = answer.data["publicMediaUrl"]
    assert re.fullmatch(rf"{emulator.url}/public-media/[\w-]+/\d{{4}}-\d\d-\d\d/[\w-]{{36}}\.OGG", url)
    shown = api.raw("GET", path_of(emulator, url), headers={"Authorization": None})
    assert (shown.status, shown.body) == (200, PNG)
    assert shown.headers["Content-Type"] == "audio/ogg; codecs=opus"
    assert api("GET", path_of(emulator, url)[:-1]).status == 404


@pytest.mark.parametrize(
    ("filename", "kind", "field", "ending", "served"),
    [
        ("a.png", None, None, ".png", "image/png"),
        ("blob", None, None, ".bin", "application/octet-stream"),
        ("blob", "application/pdf", None, ".pdf", "application/pdf"),
        ("a.png", None, "b.pdf", ".pdf", "application/pdf"),
        ("a.png", "nonsense", None, ".png", "image/png"),
    ],
)
def test_the_type_of_public_media(api, emulator, plugin, filename, kind, field, ending, served):
    fields = {"filename": field} if field else {}
    answer = api.upload(f"{plugin}/upload-public-media", [("file", b"x", filename, kind)], fields)
    url = answer.data["publicMediaUrl"]
    assert url.endswith(ending)
    assert api.raw("GET", path_of(emulator, url)).headers["Content-Type"] == served


def test_public_media_that_are_refused(api, plugin, emulator):
    answer = api.upload(f"{plugin}/upload-public-media", [("photo", b"x", "a.png", None)])
    assert answer.status == 400
    assert "must have required property 'file'" in answer.errors[0]
    answer = api.upload("/v1/ext/plugin/whatsapp/none/upload-public-media", [("file", b"x", "a.png", None)])
    assert (answer.status, answer.errors) == (404, ["WhatsApp plugin 'none' not found"])
    answer = api.raw("POST", f"{plugin}/api/v22.0/{emulator.phone_number_id}/media", b"x" * 1000)
    assert (answer.status, answer.body) == (404, b"Not Found")


def test_files_survive_in_a_file(tmp_path, make_api):
    file = str(tmp_path / "chakra.db")
    with Emulator(db=file) as emulator:
        path = tmp_path / "report.pdf"
        path.write_bytes(PNG * 3000)
        message = emulator.receive_message("919812345678", media=path)
        assert message.content["document"]["filename"] == "report.pdf"
        ids = (emulator.plugin_id, emulator.phone_number_id, emulator.waba_id)
    with Emulator(db=file) as emulator:
        media_id = message.content["document"]["id"]
        answer = make_api(emulator).raw("GET", f"/v1/whatsapp/v22.0/media/{media_id}/show")
        assert answer.body == PNG * 3000
        assert (emulator.plugin_id, emulator.phone_number_id, emulator.waba_id) == ids


def test_a_large_upload_is_not_held_in_memory(emulator, api, plugin):
    size = 96 * 2**20

    def body():
        yield b'--e\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        for _ in range(size // 2**20):
            yield bytes(2**20)
        yield b"\r\n--e--"

    before = peak_memory()
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=60)
    headers = {
        "Authorization": f"Bearer {emulator.token}",
        "Content-Type": "multipart/form-data; boundary=e",
    }
    connection.request("POST", f"{plugin}/upload-public-media", body(), headers, encode_chunked=True)
    url = json.loads(connection.getresponse().read())["_data"]["publicMediaUrl"]
    connection.request("GET", path_of(emulator, url))
    answer, length = connection.getresponse(), 0
    while piece := answer.read(2**20):
        length += len(piece)
    connection.close()
    assert length == size
    assert peak_memory() - before < size // 3
    assert threading.active_count() < 10


def peak_memory():
    resource = pytest.importorskip("resource")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

"""The media people send: fetching and showing them, in part, and with faults."""

from __future__ import annotations

import hashlib
import http.client
import random

import aiohttp
import pytest


def path_of(emulator, url):
    assert url.startswith(emulator.url + "/")
    return url.removeprefix(emulator.url)


@pytest.fixture
def received(emulator):
    """An image that came in, of three chunks, and its id."""
    data = random.Random(7).randbytes(600_000)
    message = emulator.receive_message("919812345678", media=data, mime_type="image/jpeg", text="look")
    return data, message.content["image"]["id"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_media_are_shown(api, received, version):
    data, media_id = received
    for path in (f"media/{media_id}/show", f"media/whatsapp_business/attachments?mid={media_id}"):
        answer = api.raw("GET", f"/{version}/whatsapp/v22.0/{path}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert answer.body == data
        assert api.raw("GET", f"/{version}/whatsapp/v22.0/{path}", token="none").status == 401


def test_fetched_media_know_where_their_bytes_are(api, emulator, received):
    data, media_id = received
    body = api.meta("GET", f"/v1/whatsapp/v22.0/media/{media_id}").json
    assert (body["id"], body["mime_type"], body["file_size"]) == (media_id, "image/jpeg", len(data))
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert set(body) == {"url", "mime_type", "sha256", "file_size", "id", "messaging_product"}
    path = path_of(emulator, body["url"])
    assert path.startswith("/v2/whatsapp/v22.0/media/whatsapp_business/attachments?mid=")
    assert api.raw("GET", path).body == data
    emulator.settings.media_url_seconds = 0
    url = api.meta("GET", f"/v1/whatsapp/v22.0/media/{media_id}").json["url"]
    answer = api("GET", path_of(emulator, url))
    assert (answer.status, answer.data) == (404, [])


def test_media_that_are_elsewhere(api, emulator, received):
    data, media_id = received
    emulator.settings.media_answer = "redirect"
    answer = api.raw("GET", f"/v2/whatsapp/v22.0/media/{media_id}/show")
    assert answer.status == 302
    assert api.raw("GET", path_of(emulator, answer.headers["Location"]), token="none").body == data
    assert api("GET", "/cdn/user/1").status == 404


def test_media_that_do_not_exist(api):
    for path in ("media/1", "media/1/show", "media/whatsapp_business/attachments?mid=1"):
        answer = api("GET", f"/v1/whatsapp/v22.0/{path}")
        assert (answer.status, answer.data) == (400, [])
        assert answer.errors[0].startswith("(#100) ")
    answer = api("GET", "/v2/whatsapp/v22.0/media/whatsapp_business/attachments")
    assert answer.errors == ["(#100) The parameter mid is required."]


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=262140-262150", 262_140, 262_150),
        ("bytes=599990-", 599_990, 599_999),
        ("bytes=599990-99999999", 599_990, 599_999),
        ("bytes=-5", 599_995, 599_999),
        ("bytes=-9999999", 0, 599_999),
    ],
)
def test_a_range_of_the_bytes(api, received, wanted, first, last):
    data, media_id = received
    answer = api.raw("GET", f"/v2/whatsapp/v22.0/media/{media_id}/show", headers={"Range": wanted})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/600000"
    assert answer.body == data[first : last + 1]


def test_ranges_that_are_not_served(api, received):
    data, media_id = received
    path = f"/v2/whatsapp/v22.0/media/{media_id}/show"
    for wanted in ("bytes=9-1", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"):
        answer = api.raw("GET", path, headers={"Range": wanted})
        assert (answer.status, len(answer.body)) == (200, len(data))
    answer = api.raw("GET", path, headers={"Range": "bytes=600000-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */600000")
    tag = api.raw("GET", path).headers["ETag"]
    for condition, status in ((tag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-1", "If-Range": condition}
        assert api.raw("GET", path, headers=headers).status == status


def test_faults_of_downloads(api, emulator, received):
    data, media_id = received
    path = f"/v2/whatsapp/v22.0/media/{media_id}/show"
    emulator.faults.next(cut=300_000)
    with pytest.raises(http.client.IncompleteRead) as caught:
        api.raw("GET", path)
    assert caught.value.partial == data[:300_000]
    emulator.faults.next(cut=5)
    with pytest.raises(http.client.IncompleteRead) as caught:
        api.raw("GET", path, headers={"Range": "bytes=100-199"})
    assert caught.value.partial == data[100:105]
    emulator.faults.next(broken_json=True)
    assert api.raw("GET", path).body == data[:300_000]
    emulator.faults.next(empty=True)
    assert api.raw("GET", path).body == b""
    emulator.faults.next(huge=700_000)
    assert api.raw("GET", path).body == data + b" " * 100_000
    emulator.faults.next(errors_in_success=["no"])
    assert api.raw("GET", path).body == data
    emulator.faults.next(status=503, retry_after=1)
    assert api("GET", path).headers["Retry-After"] == "1"
    emulator.faults.next(body=b"{}")
    assert api.raw("GET", path).body == b"{}"
    emulator.faults.next(redirect="http://elsewhere.test/")
    assert api.raw("GET", path).status == 307


async def test_a_compressed_download(emulator, received):
    data, media_id = received
    emulator.faults.next(gzip=True)
    headers = {"Authorization": f"Bearer {emulator.token}"}
    path = f"/v2/whatsapp/v22.0/media/{media_id}/show"
    async with (
        aiohttp.ClientSession(emulator.url, headers=headers) as session,
        session.get(path) as answer,
    ):
        assert answer.headers["Content-Encoding"] == "gzip"
        assert await answer.read() == data


def test_a_client_that_leaves_in_the_middle_hurts_nobody(api, emulator, received):
    _, media_id = received
    for _ in range(3):
        connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=10)
        headers = {"Authorization": f"Bearer {emulator.token}"}
        connection.request("GET", f"/v2/whatsapp/v22.0/media/{media_id}/show", headers=headers)
        connection.getresponse().read(10)
        connection.close()
    assert api("GET", "/v1/health").status == 200

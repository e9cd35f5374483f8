"""A recorder that has a photo to give, and clients of it."""

import pytest

from tests.recorder import Recorder


PHOTO = {
    "id": "7b9",
    "filename": "a.jpg",
    "filetype": "image/jpeg",
    "isPublic": False,
    "createdAt": 1700000000000,
}


@pytest.fixture
def recorder():
    with Recorder() as running:
        yield running.data(PHOTO)


@pytest.fixture
async def chakra(recorder):
    async with recorder.client(plugin_id="plug") as client:
        yield client

"""A recording server, and clients that know which plugin and phone number to use."""

import pytest

from tests.recorder import Recorder


PLUGIN = "1f0c2a4e-9a54-4a5d-8e3a-0b6f0f3f6a11"
NUMBER = "106540352242922"


@pytest.fixture
def recorder():
    with Recorder() as running:
        yield running


@pytest.fixture
async def chakra(recorder):
    async with recorder.client(plugin_id=PLUGIN, phone_number_id=NUMBER) as client:
        yield client


@pytest.fixture
def messages(chakra):
    return chakra.whatsapp.messages

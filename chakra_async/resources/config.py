"""The team's config."""

from __future__ import annotations

from chakra_async._codec import decode
from chakra_async._transport import Transport
from chakra_async.models.config import TeamConfig


class Config:
    """The team's config: what the uuids in other objects stand for."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self) -> TeamConfig:
        """Fetch the config: procedures, attributes, roles, pods and the other definitions.

        It is large and seldom changes: fetch it once, and look things up in it. A good way to check an
        access token, too.

        Endpoint: ``GET /v1/ext/config`` (documented).

        Raises:
            AuthenticationError: the access token is not valid.
        """
        return decode(await self._transport.call("GET", "/v1/ext/config", repeatable=True), TeamConfig)

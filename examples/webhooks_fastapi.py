"""Where does each message stand? Statuses in a FastAPI service, in whatever order they come.

They are acknowledged before they are handled; what is under way is waited for when the service ends. Both
webhooks may lead here, Meta's as it is passed through and Chakra's own: what comes by both counts once.

Needs CHAKRA_WEBHOOK_SECRET; several secrets, while one replaces another, are separated by commas::

    uvicorn --factory examples.webhooks_fastapi:create_app --port 8000
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from chakra_async.webhooks import StatusEvent, StatusTracker, Webhooks
from chakra_async.webhooks.starlette import endpoint


def create_app() -> FastAPI:
    """Make the app."""
    tracker = StatusTracker()
    webhooks = Webhooks(
        os.environ["CHAKRA_WEBHOOK_SECRET"].split(","),
        unsigned="pass_through",  # whether Chakra signs what it passes through is not certain
        acknowledge="at_once",
    )

    @webhooks.on("status")
    async def track(event: StatusEvent) -> None:
        tracker.update(event)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with webhooks:
            yield

    app = FastAPI(lifespan=lifespan)
    app.add_route("/webhooks/chakra", endpoint(webhooks), methods=["POST"])

    @app.get("/messages/{message_id:path}")  # the ids of messages may hold slashes
    def show(message_id: str) -> dict[str, Any]:
        now = tracker.get(message_id)
        if now is None:
            raise HTTPException(404, f"Nothing is known of {message_id}.")
        return {"status": now.status, "at": now.at, "errors": [error.code for error in now.errors]}

    _ = show
    return app

"""The sync client in a Flask service: one client for the whole process, shared by all its threads.

The client opens nothing before its first call, so it may be made when the app is made, also where the server
forks its workers afterwards (gunicorn with ``--preload``): each worker gets connections of its own.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    flask --app examples.flask_app run
"""

from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from chakra_async import ApiError, ChakraError, NotFoundError
from chakra_async.sync import Client


def create_app(chakra: Client | None = None) -> Flask:
    """Make the app; a test hands in a client of its own."""
    app = Flask(__name__)
    chakra = app.extensions["chakra"] = chakra or Client()

    @app.get("/leads/<lead_id>")
    def show(lead_id: str) -> dict[str, Any]:
        for lead in chakra.processes.list("lead", where={"lead_id": lead_id}, limit=1):
            return {"id": lead.id, "state": lead.state, **lead.data}
        raise NotFoundError(f"There is no lead {lead_id}.", status=404)

    @app.post("/leads/<lead_id>/score")
    def score(lead_id: str) -> dict[str, Any]:
        lead = chakra.processes.update_by_key(
            "lead", "lead_id", lead_id, data={"score": request.json["score"]}
        )
        return {"id": lead.id, "score": lead.data["score"]}

    @app.errorhandler(ChakraError)
    def failed(error: ChakraError) -> ResponseReturnValue:
        # What Chakra says of the request is the caller's business; all else is a bad gateway.
        known = isinstance(error, ApiError) and error.status in {400, 404, 409}
        return {"error": error.message}, error.status if isinstance(error, ApiError) and known else 502

    _ = show, score, failed
    return app

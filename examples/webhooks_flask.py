"""A lead for everybody who writes: webhooks in a Flask service, with the sync client.

When the handler fails, for example because Chakra cannot be reached, the answer is 500, and the next
delivery of the message tries again. Once it has succeeded, further deliveries do nothing.

Needs CHAKRA_WEBHOOK_SECRET and CHAKRA_ACCESS_TOKEN::

    flask --app examples.webhooks_flask run --port 8000
"""

import os

from flask import Flask, current_app

from chakra_async import NotFoundError
from chakra_async.sync import Client
from chakra_async.webhooks import MessageEvent, SqliteStore, Webhooks
from chakra_async.webhooks.flask import endpoint


def create_app() -> Flask:
    """Make the app."""
    app = Flask(__name__)
    chakra = Client()
    webhooks = Webhooks(os.environ["CHAKRA_WEBHOOK_SECRET"], store=SqliteStore("handled.db"))

    @webhooks.on("message")
    def take_in(event: MessageEvent) -> None:
        if event.sender is None:
            return
        data = {"name": event.sender_name or event.sender}
        try:
            chakra.leads.update_by_phone(event.sender, data=data)
        except NotFoundError:
            lead = chakra.leads.create(phone_number=event.sender, data=data)
            # It runs in the thread and the context of the request, so that Flask's own things are at hand.
            current_app.logger.warning("%s is lead %s", data["name"], lead.id)

    app.add_url_rule("/webhooks/chakra", view_func=endpoint(webhooks), methods=["POST"])
    return app

"""Keep every message in the database: webhooks in a Django site, all in one file.

The handler runs in the thread of the request, so that the ORM works as in any view; if it fails, Chakra is
answered with 500, and the message is saved when it is delivered again.

Needs CHAKRA_WEBHOOK_SECRET::

    python examples/webhooks_django.py runserver --noreload 8000
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from chakra_async.webhooks import MessageEvent, SqliteStore, Webhooks
from chakra_async.webhooks.django import endpoint


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "messages.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for the example",  # noqa: S106
    USE_TZ=True,
)
django.setup()

from django.db import connection, models  # noqa: E402


class Message(models.Model):
    """A message that somebody sent to the business."""

    message_id: models.CharField[str, str] = models.CharField(max_length=200, unique=True)
    sender: models.CharField[str, str] = models.CharField(max_length=40)
    text: models.TextField[str, str] = models.TextField()

    class Meta:
        app_label = "examples"

    def __str__(self) -> str:
        return f"{self.sender}: {self.text}"


webhooks = Webhooks(os.environ["CHAKRA_WEBHOOK_SECRET"], store=SqliteStore("handled.db"))


@webhooks.on("message")
def keep(event: MessageEvent) -> None:
    """Save a message; that one which was saved is not an error makes it safe to run twice."""
    content = {"sender": event.sender or "", "text": event.text or f"[{event.type}]"}
    Message.objects.get_or_create(message_id=event.message_id, defaults=content)


def show(_request: HttpRequest) -> JsonResponse:
    """Show all messages."""
    return JsonResponse({"messages": [str(message) for message in Message.objects.order_by("pk")]})


urlpatterns = [path("webhooks/chakra", endpoint(webhooks)), path("messages", show)]


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    with connection.schema_editor() as editor:
        if "examples_message" not in connection.introspection.table_names():
            editor.create_model(Message)
    execute_from_command_line(sys.argv)

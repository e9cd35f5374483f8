"""The sync client in a Django site, all in one file: a view on one lead, and one that sends a query set.

One client serves all threads. It opens nothing before its first call, so it may be made when the module is
loaded, also where the server forks its workers afterwards.

The visits are read from the database while they are sent, however many there are.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/django_app.py runserver
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

from chakra_async import NotFoundError, ProcessUpdate
from chakra_async.sync import Client


settings.configure(
    ALLOWED_HOSTS=["localhost", "testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file::memory:?cache=shared"}},
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for the example",  # noqa: S106
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.db import models  # noqa: E402


class Visit(models.Model):
    """A field visit that the site's users write down, and Chakra is to know."""

    lead_id: models.CharField[str, str] = models.CharField(max_length=40)
    notes: models.TextField[str, str] = models.TextField()
    sent: models.BooleanField[bool, bool] = models.BooleanField(default=False)

    class Meta:
        app_label = "examples"

    def __str__(self) -> str:
        return f"Visit to {self.lead_id}"


@cache
def chakra() -> Client:
    """Return the client of this process."""
    return Client()


def show(_request: HttpRequest, process_id: str) -> JsonResponse:
    """Show a lead as Chakra has it."""
    try:
        lead = chakra().processes.get("lead", process_id)
    except NotFoundError as error:
        return JsonResponse({"error": error.message}, status=404)
    return JsonResponse({"id": lead.id, "state": lead.state, "data": lead.data})


@require_POST
def send_visits(_request: HttpRequest) -> JsonResponse:
    """Send all visits that Chakra does not know yet."""
    waiting = Visit.objects.filter(sent=False).iterator()
    with chakra().processes.bulk_update("lead", updates(waiting)) as run:
        sent = [result.ref for result in run if result.ok]
    Visit.objects.filter(pk__in=sent).update(sent=True)
    return JsonResponse({"sent": run.summary.updated, "not sent": run.summary.total - run.summary.updated})


def updates(visits: Iterator[Visit]) -> Iterator[ProcessUpdate]:
    """Turn each visit into an update; ``ref`` comes back in the row's result and is never sent."""
    for visit in visits:
        yield ProcessUpdate(key=("lead_id", visit.lead_id), data={"notes": visit.notes}, ref=visit.pk)


urlpatterns = [path("leads/<str:process_id>", show), path("visits/send", send_visits)]


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)

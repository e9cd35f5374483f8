"""The endpoints, one file per area of the API. A new area adds its table here."""

from __future__ import annotations

from chakra_async.emulator.endpoints import (
    calling,
    chats,
    config,
    flows,
    groups,
    health,
    jobs,
    media,
    messages,
    numbers,
    photos,
    plugins,
    processes,
    tasks,
    template_sends,
    templates,
    users,
)
from chakra_async.emulator.endpoints.description import with_description


ROUTES = with_description(
    (
        *health.ROUTES,
        *processes.ROUTES,
        *jobs.ROUTES,
        *tasks.ROUTES,
        *users.ROUTES,
        *photos.ROUTES,
        *config.ROUTES,
        *chats.ROUTES,
        *messages.ROUTES,
        *template_sends.ROUTES,
        *templates.ROUTES,
        *media.ROUTES,
        *flows.ROUTES,
        *groups.ROUTES,
        *calling.ROUTES,
        *numbers.ROUTES,
        *plugins.ROUTES,
    )
)

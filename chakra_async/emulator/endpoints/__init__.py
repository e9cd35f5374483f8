"""The endpoints, one file per area of the API. A new area adds its table here."""

from __future__ import annotations

from chakra_async.emulator.endpoints import health, jobs, processes


ROUTES = (*health.ROUTES, *processes.ROUTES, *jobs.ROUTES)

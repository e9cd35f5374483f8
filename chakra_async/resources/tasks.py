"""Tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chakra_async._codec import decode, encode
from chakra_async._paths import segment
from chakra_async._transport import Transport
from chakra_async.models.tasks import Task


_STATUSES = ("OPEN", "COMPLETED", "CANCELLED")


class Tasks:
    """Tasks: what is to be done, or was done, for a process."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        procedure: str,
        process: str | int,
        state_task: str,
        /,
        *,
        data: Mapping[str, Any] | None = None,
        status: str | None = None,
        assigned_to: str | None = None,
    ) -> Task:
        """Create a task for a process.

        Not idempotent: it is never sent twice. A task created as ``COMPLETED`` logs what was done already.

        Args:
            procedure: short id of the procedure.
            process: id of the process, or the value of its primary key.
            state_task: short id of the kind of task, as defined for the state the process is in.
            data: attribute values by short id; JSON values only.
            status: ``OPEN``, ``COMPLETED`` or ``CANCELLED``.
            assigned_to: username.

        Endpoint: ``POST /v1/ext/p/{procedure}/{process}/task/{state_task}`` (documented; that it answers
        with the task is inferred).

        Raises:
            AmbiguousResultError: the request left and no answer came; look before you create again.
            NotFoundError: there is no such procedure, process or kind of task.
            BadRequestError: the service refuses a value.
            ValueError: a value cannot be sent.
        """
        if status is not None and status not in _STATUSES:
            raise ValueError(f"status must be one of {', '.join(_STATUSES)}, not {status!r}")
        if data is not None and not isinstance(data, Mapping):
            raise ValueError(f"data must be a mapping, not {type(data).__name__}")
        if assigned_to is not None and not (isinstance(assigned_to, str) and assigned_to):
            raise ValueError(f"assigned_to must be a username, not {assigned_to!r}")
        path = f"/v1/ext/p/{segment(procedure, 'procedure')}/{segment(process, 'process')}/task"
        path = f"{path}/{segment(state_task, 'state_task')}"
        given = {"data": data, "status": status, "assignedTo": assigned_to}
        body = encode({name: value for name, value in given.items() if value is not None})
        return decode(await self._transport.call("POST", path, body=body, repeatable=False), Task)

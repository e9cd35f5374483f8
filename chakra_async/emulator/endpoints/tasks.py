"""Tasks: creating one for a process."""

from __future__ import annotations

from chakra_async.emulator.answer import Answer, success
from chakra_async.emulator.refusals import Missing
from chakra_async.emulator.routing import Call, Route
from chakra_async.emulator.shapes import wrapped
from chakra_async.emulator.tasks import NEW_TASK, TASK


def create(call: Call, name: str, id_or_key: str, state_task: str) -> Answer:
    """Create a task for the process with this id, or this value of a primary key."""
    procedure, row = call.service.process(name, id_or_key)
    if procedure.tasks is not None and state_task not in procedure.tasks:
        raise Missing(f"State task '{state_task}' of procedure '{procedure.short_id}' not found")
    fields = call.checked()
    if (assignee := fields.get("assignedTo")) is not None:
        fields["assignedTo"] = call.service.assignee(assignee)
    process_id = call.service.store.ids.uuid(row.seq)
    task = call.service.tasks.create(procedure, process_id, state_task, fields, call.cause.actor)
    return success(task)


ROUTES = (
    Route(
        "POST",
        "/v1/ext/p/{procedure}/{idOrKey}/task/{stateTask}",
        create,
        writes=True,
        body=NEW_TASK,
        gives=wrapped(TASK),
    ),
)

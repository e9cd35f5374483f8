"""Leads and tasks: take in a lead from a web form, and log the call that was made to them.

A lead who writes twice is not created twice: their phone number tells who they are, however it was typed.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/new_lead.py "Asha Rao" "+91 77012-14822" "asked for a call back"
"""

import sys

from chakra_async import NotFoundError
from chakra_async.sync import Client


def take_in(chakra: Client, name: str, phone_number: str, note: str) -> str:
    """Create or update the lead, log the call, and return the id of the lead."""
    try:
        lead = chakra.leads.update_by_phone(phone_number, data={"name": name})
    except NotFoundError:
        lead = chakra.leads.create(name=name, phone_number=phone_number)
    task = chakra.tasks.create("lead", lead.id, "call", data={"note": note}, status="COMPLETED")
    print(f"{name}: lead {lead.id}, task {task.id} is {task.status}")
    return lead.id


if __name__ == "__main__":
    with Client() as client:
        take_in(client, *sys.argv[1:4])

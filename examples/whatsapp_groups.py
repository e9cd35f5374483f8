"""Groups: one for everybody who takes part in a visit, which only people we know may join.

Nobody can be put into a group: people are sent its link, and ask to join. The path of these calls is inferred
from Meta's own; should Chakra have another, they raise ``NotFoundError``.

Needs CHAKRA_ACCESS_TOKEN, CHAKRA_PLUGIN_ID and CHAKRA_PHONE_NUMBER_ID, and CHAKRA_BASE_URL unless the real
service is meant::

    python examples/whatsapp_groups.py open "Visit in Goa" "+91 99012 58433" "+91 99012 58434"
    python examples/whatsapp_groups.py admit "Visit in Goa" "+91 99012 58433" "+91 99012 58434"
    python examples/whatsapp_groups.py close "Visit in Goa"
"""

import sys
from collections.abc import Sequence

from chakra_async import NotFoundError
from chakra_async.sync import Client


def find(chakra: Client, subject: str) -> str:
    """Return the id of the group with this name."""
    for group in chakra.whatsapp.groups.list():
        if group.subject == subject and group.id is not None:
            return group.id
    raise NotFoundError(f"There is no group {subject!r}.", status=404)


def invite(chakra: Client, subject: str, phones: Sequence[str]) -> None:
    """Create the group if need be, and send its link to everyone who wrote to us in the last 24 hours."""
    groups = chakra.whatsapp.groups
    if all(group.subject != subject for group in groups.list()):
        groups.create(subject=subject, join_approval_mode="approval_required")
    # A webhook brings the id of a new group, too.
    link = groups.get_invite_link(find(chakra, subject))
    for phone in phones:
        chakra.whatsapp.messages.send_text(phone, f"Join us in {subject!r}: {link}")
    print(f"{len(phones)} people have the link to {subject!r}")


def admit(chakra: Client, subject: str, phones: Sequence[str]) -> None:
    """Let in those who are on the list, turn away the others, and take out who no longer is on it."""
    groups, group_id = chakra.whatsapp.groups, find(chakra, subject)
    known = {"".join(filter(str.isdigit, phone)) for phone in phones}
    requests = list(groups.list_join_requests(group_id))
    welcome = [one.join_request_id for one in requests if one.join_request_id and one.wa_id in known]
    others = [one.join_request_id for one in requests if one.join_request_id and one.wa_id not in known]
    if welcome:
        groups.approve_join_requests(group_id, welcome)
    if others:
        groups.reject_join_requests(group_id, others)
    inside = groups.get(group_id, fields=["participants"]).participants
    gone = [one.wa_id for one in inside if one.wa_id and one.wa_id not in known]
    if gone:
        groups.remove_participants(group_id, gone)
    print(f"{len(welcome)} let in, {len(others)} turned away, {len(gone)} taken out")


def main(command: str, subject: str, *phones: str) -> None:
    """Do as the command line says."""
    with Client() as chakra:
        if command == "open":
            invite(chakra, subject, phones)
        elif command == "admit":
            admit(chakra, subject, phones)
        else:
            chakra.whatsapp.groups.delete(find(chakra, subject))
            print(f"{subject!r} is no more")


if __name__ == "__main__":
    main(*sys.argv[1:])

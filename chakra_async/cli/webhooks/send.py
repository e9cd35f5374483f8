"""``chakra webhooks send``: one webhook, made up."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import click

from chakra_async._phones import phone_digits
from chakra_async.cli.status import BROKEN_OFF, NOT_ALL
from chakra_async.cli.webhooks.options import secret_option, timeout_option


_EVENTS = (
    "message",
    "message-echo",
    "status-sent",
    "status-delivered",
    "status-read",
    "status-failed",
    "template-approved",
    "template-rejected",
    "template-paused",
    "template-disabled",
)


def _phone(_ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        return phone_digits(value, parameter.opts[0])
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("send", short_help="Post one webhook that is made up.")
@click.argument("event", type=click.Choice(_EVENTS), metavar="EVENT")
@click.argument("url")
@click.option(
    "--format",
    "form",
    type=click.Choice(["chakra", "meta", "delivery_status"]),
    help="chakra: Chakra's event and payload; meta: Meta's body, as it is passed through; "
    "delivery_status: the older webhook for statuses.  [default: meta for templates, else chakra]",
)
@secret_option("to sign with; without one it goes unsigned")
@click.option("--text", default="Hello", show_default=True, help="Text of the message.")
@click.option(
    "--phone",
    metavar="NUMBER",
    callback=_phone,
    default="919812345678",
    show_default=True,
    help="Who wrote the message, or got the one that a status or an echo is about; with country code.",
)
@click.option("--name", default="Asha", show_default=True, help="Name in the profile of that person.")
@click.option(
    "--id",
    metavar="ID",
    help="WhatsApp's id of the message, or number of the template.  [default: any]",
)
@click.option("--template", metavar="NAME", default="hello", show_default=True, help="Name of the template.")
@click.option("--language", default="en", show_default=True, help="Language of the template.")
@click.option(
    "--reason", default="INCORRECT_CATEGORY", show_default=True, help="Why the template was rejected."
)
@click.option("--error-code", type=int, default=131026, show_default=True, help="Why the message failed.")
@click.option("--error-title", default="Message undeliverable", show_default=True, help="The same in words.")
@click.option(
    "--waba-id", metavar="ID", default="100000000000001", show_default=True, help="The business account."
)
@click.option(
    "--phone-number-id",
    metavar="ID",
    envvar="CHAKRA_PHONE_NUMBER_ID",
    default="100000000000002",
    show_default=True,
    help="The phone number of the business, in the format meta.  [environment: CHAKRA_PHONE_NUMBER_ID]",
)
@click.option("--bom", is_flag=True, help="Begin the body with a UTF-8 byte order mark.")
@timeout_option
@click.pass_context
def send(
    ctx: click.Context,
    /,
    event: str,
    url: str,
    form: Literal["chakra", "meta", "delivery_status"] | None,
    secret: str | None,
    timeout: float,
    bom: bool,
    **said: Any,
) -> None:
    """Post one made-up webhook to URL, and show the answer.

    EVENT is message, message-echo, status-sent, status-delivered, status-read, status-failed,
    template-approved, template-rejected, template-paused or template-disabled. What a message says, who wrote
    it and so on can be chosen; the rest is made up.

    \b
    Examples:
      chakra webhooks send message http://127.0.0.1:8000/hook --text "Ready?"
      chakra webhooks send status-failed http://127.0.0.1:8000/hook \\
          --id wamid.X --error-code 131047

    \b
    Exit status:
        0  the answer was a 2xx
        1  it was another one
        2  options or arguments cannot be used; nothing was sent
        3  there was no answer
    """  # noqa: D301 - click's own mark
    from chakra_async.cli.webhooks.made_up import MadeUp, encoded  # noqa: PLC0415 - loads the emulator
    from chakra_async.cli.webhooks.posting import post, shown  # noqa: PLC0415 - loads the emulator
    from chakra_async.emulator.webhook_sender import Sender  # noqa: PLC0415

    made_up = MadeUp(**said).event(event)
    body = encoded(made_up, form or ("meta" if made_up.kind == "template" else "chakra"), bom=bom)
    answered = asyncio.run(post(Sender(url, timeout=timeout), body, secret))
    name = made_up.meta.get("id") or made_up.meta["message_template_id"]
    click.echo(f"{event} {name}: {shown(answered)}")
    if secret is None and answered.status in {401, 403}:
        click.echo("It went unsigned: give --secret-file, or CHAKRA_WEBHOOK_SECRET, to sign it.", err=True)
    if not answered.is_taken:
        ctx.exit(BROKEN_OFF if answered.status is None else NOT_ALL)

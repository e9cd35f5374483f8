"""``chakra emulator``: Chakra on localhost."""

from __future__ import annotations

import click


@click.command(
    short_help="Serve Chakra on localhost: a stateful emulator of its API.",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def emulator(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Serve an emulator; all arguments are its own."""
    from chakra_async.emulator.cli import main  # noqa: PLC0415 - no other command needs a server

    ctx.exit(main(arguments, prog="chakra emulator"))

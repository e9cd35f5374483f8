"""Where the service is and who calls: the options every command shares, and the client made of them."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from attrs import define

from chakra_async.cli.status import sentence
from chakra_async.client import Client
from chakra_async.settings import AccessToken, RetryPolicy


F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
T = TypeVar("T")

# Somebody sits and waits for the answer of a single call.
SINGLE_CALL = RetryPolicy(attempts=4)


@define
class Connection:
    """What was said about the connection, before the command or after it."""

    base_url: str | None = None
    token_file: str | None = None
    verbose: bool = False
    token: AccessToken | None = None

    def client(self, retry: RetryPolicy | None = None) -> Client:
        """Make the client.

        Raises:
            click.UsageError: there is no token, or it or the address cannot be used.
        """
        if self.verbose:
            _log_to_stderr()
        try:
            client = Client(self._from_file(), base_url=self.base_url, retry=retry)
        except ValueError as error:
            text = str(error)
            if text.startswith("no access token"):
                text = (
                    "no access token: set CHAKRA_ACCESS_TOKEN, or give --token-file FILE; tokens are made in "
                    "the dashboard under API Keys"
                )
            raise click.UsageError(text) from None
        self.token = client.settings.access_token
        return client

    def scrub(self, text: str) -> str:
        """Blot out the token, should it ever stand in a text."""
        return text if self.token is None else self.token.scrub(text)

    def tell(self, error: Exception) -> None:
        """Say on stderr, in one sentence, what went wrong; and where, if that was asked for."""
        if self.verbose:
            click.echo(self.scrub("".join(traceback.format_exception(error))), err=True)
        click.echo(f"Error: {self.scrub(sentence(error))}", err=True)

    def _from_file(self) -> str | None:
        if self.token_file is None:
            return None
        try:
            token = Path(self.token_file).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise click.UsageError(f"cannot read the token file {self.token_file}: {reason}") from None
        if not token:
            raise click.UsageError(f"the token file {self.token_file} is empty")
        return token


def connection_options(function: F) -> F:
    """Add the options of the connection to a command or to the whole."""
    for option in (
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Log every request to stderr, and show where an error came from.",
        ),
        click.option(
            "--token-file",
            metavar="FILE",
            expose_value=False,
            callback=_keep,
            help="File that holds the access token.  [default: the token in CHAKRA_ACCESS_TOKEN]",
        ),
        click.option(
            "--base-url",
            metavar="URL",
            expose_value=False,
            callback=_keep,
            help="Where the API is.  [default: CHAKRA_BASE_URL, else https://api.chakrahq.com]",
        ),
    ):
        function = option(function)
    return function


def pass_connection(command: Callable[Concatenate[Connection, P], T], /) -> Callable[P, T]:
    """Hand a command the connection as its first argument."""
    return click.make_pass_decorator(Connection, ensure=True)(command)


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.find_root().ensure_object(Connection), parameter.name or "", value)


def _log_to_stderr() -> None:
    logger = logging.getLogger("chakra_async")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)

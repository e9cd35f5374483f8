"""The root of the command, and the one place where errors become exit statuses."""

from __future__ import annotations

import os
from typing import Any

import click

from chakra_async._version import __version__
from chakra_async.cli.bulk import bulk
from chakra_async.cli.connection import Connection, connection_options
from chakra_async.cli.emulator import emulator
from chakra_async.cli.jobs import jobs
from chakra_async.cli.processes import processes
from chakra_async.cli.status import BROKEN_PIPE, INTERRUPTED, status_of
from chakra_async.cli.streams import forget_stdout
from chakra_async.cli.webhooks import webhooks


class App(click.Group):
    """A group that ends with one sentence and a status, whatever happens inside."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            forget_stdout()
            ctx.exit(BROKEN_PIPE)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except Exception as error:  # nobody above would show it as a sentence
            ctx.ensure_object(Connection).tell(error)
            ctx.exit(status_of(error))


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="chakra-async %(version)s")
@connection_options
def app() -> None:
    """ChakraHQ on the command line: bring many rows to Chakra, and know the fate of each.

    \b
      export CHAKRA_ACCESS_TOKEN=...
      chakra bulk update aircraft planes.csv --key tailnum --failures failed.csv

    The access token comes from CHAKRA_ACCESS_TOKEN or from --token-file. There is no option for the token
    itself: other users of the machine can see a command's arguments.
    """  # noqa: D301 - click's own mark


app.add_command(bulk)
app.add_command(processes)
app.add_command(jobs)
app.add_command(webhooks)
app.add_command(emulator)

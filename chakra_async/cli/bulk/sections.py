"""Options under headings, for commands that have many."""

from __future__ import annotations

from typing import Any

import click


class _Option(click.Option):
    """An option that knows under which heading of the help it stands."""

    section = "Options"

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Leave out that a count is at least 1, which nobody needs to be told."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class SectionedCommand(click.Command):
    """A command whose many options stand under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        for option in sorted(options, key=lambda option: not isinstance(option, _Option)):
            record = option.get_help_record(ctx)
            if record is not None:
                heading = option.section if isinstance(option, _Option) else "Connection and help"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def section(heading: str) -> type[click.Option]:
    """Return the class of options that stand under a heading."""
    return type("_Option", (_Option,), {"section": heading})

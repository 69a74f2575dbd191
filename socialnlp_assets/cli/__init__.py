"""The console script `socialnlp`: for people and for scripts.

Each sub-command lives in a module of its own, imported only when it is asked for, so that none waits
for another's libraries. A `socialnlp_assets.cli.<module>` offers one click command of the command's name.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

COMMANDS = {
    "demo": ("demo", "Land sample hours, run every workflow on them and show what came out."),
    "endpoints": ("endpoints", "List, reap or stop the endpoints of this installation."),
    "extract": ("extract", "Title, text and language of an article's page, as JSON."),
    "models": ("models", "List the model catalogue; package a model for serving."),
    "predict": ("predict", "One text a line in, one JSON a line out, through a leased endpoint."),
    "quarantine": ("quarantine", "List or replay the records that a step could not take."),
    "serve": ("serve", "Serve a model folder by SageMaker's container contract."),
    "workflows": ("workflows", "List, check or start a workflow file."),
}


class LazyCommands(click.Group):
    """A group whose sub-commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"socialnlp_assets.cli.{module}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="socialnlp-assets")
def cli() -> None:
    """Listen to what people say about a company, hour by hour."""


def main() -> None:
    """Run the console script; one line says what is wrong when something is, and the exit is non-zero."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"socialnlp: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("socialnlp: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        sys.exit(0)

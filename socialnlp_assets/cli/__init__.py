"""The console script `socialnlp`: for people and for scripts.

Each sub-command lives in a module of its own, imported only when it is asked for, so that none waits
for another's libraries: `socialnlp_assets.cli.<name>` offers one click command called `<name>`.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module

import click

COMMANDS = {
    "backfill": "Run hours of a workflow anew, as a backfill that the UI shows.",
    "demo": "Land sample hours, run every workflow on them and show what came out.",
    "endpoints": "List, reap or stop the endpoints of this installation.",
    "explore": "Explore the data mart in the browser: a notebook of SQL and charts.",
    "extract": "Title, text and language of an article's page, as JSON.",
    "hours": "List or run the hours that failed or never ran, or that an older model made.",
    "labels": "Labelled texts: add a file of them, or find those worth labelling.",
    "licences": "The licences of libraries and models, and what they forbid.",
    "models": "The models and their versions: list, approve, roll back, package.",
    "predict": "One text a line in, one JSON a line out, through a leased endpoint.",
    "quarantine": "List or replay the records that a step could not take.",
    "query": "Ask the data mart, or the output in the lake, in SQL.",
    "serve": "Serve a model folder by SageMaker's container contract.",
    "ui": "The Dagster UI and daemon on this installation's state.",
    "workflows": "List, check or start a workflow file.",
}


class LazyCommands(click.Group):
    """A group that knows its sub-commands by name and help; one is imported when it is called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        command: click.Command = getattr(import_module(f"socialnlp_assets.cli.{name}"), str(name))
        return name, command, rest


@click.group(
    cls=LazyCommands,
    commands=[click.Command(name, help=text) for name, text in COMMANDS.items()],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="socialnlp-assets")
def cli() -> None:
    """Listen to what people say about a company, hour by hour."""


def main() -> None:
    """Run the console script; one line says what is wrong when something is, and the exit is non-zero."""
    os.umask(0o077)  # what is written is not for others to read: by us, and by all that we start
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a termination unwinds as Ctrl-C does
    # And so does a closed window, unless under nohup, which leaves no terminal: that the signal is ignored is not
    # enough of a wish, for some programs that start shells leave it so.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL or any(map(os.isatty, range(3))):
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        cli(prog_name="socialnlp", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" ({context.command_path} --help tells more)" if context else ""
        _end(error.format_message() + hint, error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _end("interrupted", 130)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        from socialnlp_assets.cli.problems import explain

        sentence = explain(error)
        if sentence is None:
            raise
        _end(sentence, 1)


def _end(message: str, code: int) -> None:
    with suppress(OSError):  # the terminal may be closed
        click.echo(f"socialnlp: {message}", err=True)
    sys.exit(code)

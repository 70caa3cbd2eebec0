"""The command `amanuensis`: its subcommands, and how errors end it.

A user's error is one line on stderr and status 1, wrong usage is status 2; a traceback only with --debug.
Commands import what they need when they run, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from amanuensis import __version__
from amanuensis.cli import (
    calibrate,
    convert,
    correction,
    data,
    doctor,
    evaluate,
    jobs,
    lm,
    models,
    reproduce,
    reproduce_text,
    train,
    transcribe,
)
from amanuensis.cli.console import complain
from amanuensis.errors import AmanuensisError

DEBUG = "AMANUENSIS_DEBUG"


class _ErrorsWithoutTraceback(TyperGroup):
    """Turns errors that users can mend into a message and status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (AmanuensisError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            complain(f"amanuensis: {_message(error)}")
            raise typer.Exit(1) from error


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


app = typer.Typer(
    name="amanuensis",
    help="Read handwriting, offline, on a laptop CPU: lines into text, formulas into LaTeX.",
    cls=_ErrorsWithoutTraceback,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"amanuensis {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", envvar=DEBUG, help="Show tracebacks of errors.")] = False,
) -> None:
    """Read handwriting, offline, on a laptop CPU: lines into text, formulas into LaTeX."""


app.command("transcribe", help=transcribe.HELP)(transcribe.transcribe)
app.command("evaluate", help=evaluate.HELP)(evaluate.evaluate)
app.command("calibrate", help=calibrate.HELP)(calibrate.calibrate)
app.command("train", help=train.HELP)(train.train)
app.command("export", help=train.EXPORT_HELP)(train.export)
app.add_typer(models.app, name="models")
data.app.command("convert", help=convert.HELP)(convert.convert)
app.add_typer(data.app, name="data")
app.add_typer(lm.app, name="lm")
app.add_typer(correction.app, name="correction")
for name, (command, text) in reproduce_text.COMMANDS.items():
    reproduce.app.command(name, help=text)(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(reproduce.app, name="reproduce")
app.command("doctor", help=doctor.HELP)(doctor.doctor)


def main() -> None:
    """The entry point."""
    app()

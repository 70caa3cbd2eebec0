"""`amanuensis jobs`: how far a collection is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanuensis.cli.console import count, print_json, teach
from amanuensis.cli.options import Json

if TYPE_CHECKING:
    from amanuensis.jobs import Status

_SHOWN = 20  # failures that are listed; --json lists all

app = typer.Typer(help="Collections of pages: how far they are.", no_args_is_help=True, rich_markup_mode=None)

STATUS_HELP = teach(
    "Say how far the collection is that is read into a folder, over all its shards and runs, also while they run: "
    "pages done, failed and waiting, and why pages failed.",
    ("amanuensis jobs status out/", "sums up what transcribe ... -o out/ has done so far"),
    ("amanuensis jobs status out/ --json", "the same, with every failure, for programs"),
)


@app.command("status", help=STATUS_HELP)
def status(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The output folder of transcribe.")],
    *,
    as_json: Json = False,
) -> None:
    """Say how far a collection is."""
    from amanuensis.jobs import read_status  # noqa: PLC0415

    found = read_status(folder)
    if as_json:
        print_json(_described(found))
    else:
        _print(found)


def _described(found: Status) -> dict[str, Any]:
    return {
        "done": found.num_done,
        "failed": found.num_failed,
        "waiting": found.num_waiting,
        "lines": found.num_lines,
        "pages_per_hour": round(found.pages_per_hour, 1),
        "shards": found.num_shards,
        "missing_shards": list(found.missing_shards),
        "settings": found.settings,
        "failures": [
            {"name": failure.name, "source": str(failure.source), "reason": failure.reason}
            for failure in found.failures
        ],
    }


def _print(found: Status) -> None:
    total = found.num_done + found.num_failed + found.num_waiting
    typer.echo(
        f"{count(total, 'page')}: {found.num_done:,} done, {found.num_failed:,} failed, {found.num_waiting:,} waiting; "
        f"{count(found.num_lines, 'line')} read"
    )
    if found.num_finished:
        each = " by each shard" if found.num_shards > 1 else ""
        typer.echo(f"{found.pages_per_hour:,.0f} pages an hour{each}")
    for name, value in found.settings.items():
        typer.echo(f"{name}: {value}")
    if found.missing_shards:
        missing = ", ".join(f"{index}/{found.num_shards}" for index in found.missing_shards)
        typer.echo(f"not begun: shard {missing}")
    for failure in found.failures[:_SHOWN]:
        typer.echo(f"failed: {failure.source}: {failure.reason}")
    if len(found.failures) > _SHOWN:
        typer.echo(f"... and {len(found.failures) - _SHOWN:,} more failed; --json lists all")

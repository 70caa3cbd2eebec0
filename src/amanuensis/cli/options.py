"""Options that mean the same in every command."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_MODEL = "text-small"

Model = Annotated[
    str,
    typer.Option(
        "-m",
        "--model",
        help="A shipped model's name, a model folder, a Hugging Face id (organization/name), or math.",
    ),
]
Search = Annotated[
    str | None,
    typer.Option("--decoder", help="best-path or prefix-beam; by default what the model was measured with."),
]
Beam = Annotated[
    int | None, typer.Option("--beam", min=1, help="Of formulas: hypotheses kept in the search; 1 is greedy.")
]
NBest = Annotated[
    int | None,
    typer.Option("--n-best", min=1, help="Of formulas: so many readings, in JSON as alternatives."),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="CPU threads.")]
BatchSize = Annotated[
    int, typer.Option("--batch-size", min=1, help="Lines read together: speed and memory, never the text.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No notes, no progress; errors are still said.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]

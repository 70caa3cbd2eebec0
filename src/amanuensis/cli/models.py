"""`amanuensis models`: which models there are, and what one is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanuensis.cli.console import print_json, print_table, teach
from amanuensis.cli.options import Json
from amanuensis.errors import MissingExtraError, ModelError

if TYPE_CHECKING:
    from amanuensis.recognition import ModelConfig

app = typer.Typer(no_args_is_help=True, help="List models, or show what one is.")

LIST_HELP = teach(
    "List installed models and networks to train.",
    ("amanuensis models list", "names, languages, scores and licences"),
    ("amanuensis models list --json", "the same for programs"),
)
SHOW_HELP = teach(
    "Show what a model or network is. Of a model: languages, data, scores, licence, parameters. "
    "Of a network: its parameters by part (that needs the extra 'train').",
    ("amanuensis models show text-small", "the model that comes with the package"),
    (
        "amanuensis models show htr-jand-teacher --json",
        "the paper's Teacher with 103 characters: its parameters, part by part",
    ),
)


@app.command("list", help=LIST_HELP)
def list_models(as_json: Json = False) -> None:
    """List models and networks."""
    from amanuensis.recognition import read_config, shipped_models  # noqa: PLC0415

    configs = [read_config(folder) for folder in shipped_models().values()]
    networks = _network_names()
    if as_json:
        print_json({"models": [_summary(config) for config in configs], "networks": networks})
        return
    header = ("model", "languages", "score", "parameters", "licence")
    print_table(header, [_row(config) for config in configs])
    if networks:
        typer.echo(f"\nNetworks to train: {', '.join(networks)}")


@app.command("show", help=SHOW_HELP)
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model's name, folder or hub id; or a network's name.")
    ],
    as_json: Json = False,
) -> None:
    """Show a model or a network."""
    shown = _shown(name)
    if as_json:
        print_json(shown)
        return
    for key, value in shown.items():
        _print_entry(key, value)


def _shown(name: str) -> dict[str, Any]:
    from amanuensis.recognition import find_model, read_config  # noqa: PLC0415

    try:
        folder = find_model(name)
    except ModelError as error:
        if "/" in name or Path(name).exists():
            raise
        if not _has_torch():
            told = f"{error}" if f"{error}".endswith("?") else f"{error}."
            raise MissingExtraError(f"{told} If it is a network's name, showing it", "train") from error
        if name not in _network_names():
            raise
        return _network(name)
    config = read_config(folder)
    return {
        "folder": str(folder),
        **{key: value for key, value in config.to_dict().items() if key != "vocabulary"},
        "vocabulary": "".join(config.vocabulary.symbols),
        "files": {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()},
    }


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _network_names() -> list[str]:
    if not _has_torch():
        return []
    from amanuensis.models import FORMULA_NETWORKS, NETWORKS  # noqa: PLC0415

    return [*NETWORKS, *FORMULA_NETWORKS]


def _network(name: str) -> dict[str, Any]:
    """A network with as many classes as its paper's data need."""
    from dataclasses import asdict  # noqa: PLC0415

    from amanuensis import models  # noqa: PLC0415

    if name in models.NETWORKS:
        lines = models.build_network(name)
        parts, classes, config = models.parameter_breakdown(lines), models.PAPER_NUM_CLASSES, lines.config
        return _network_told(name, parts, classes, asdict(config))
    formulas = models.build_formula_network(name)
    parts = {part: models.num_parameters(network) for part, network in formulas.named_children()}
    return _network_told(name, parts, models.CROHME_NUM_CLASSES, asdict(formulas.config))


def _network_told(name: str, parts: dict[str, int], classes: int, options: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"name": name, "parameters": sum(parts.values()), "classes": classes},
        **{"parts": parts, "options": options},
    }


def _summary(config: ModelConfig) -> dict[str, Any]:
    keys = ("name", "description", "task", "languages", "parameters", "licence", "scores")
    stored = config.to_dict()
    return {key: stored[key] for key in keys}


def _row(config: ModelConfig) -> tuple[str, ...]:
    return (
        config.name,
        ", ".join(config.languages) or "-",
        _score(config),
        f"{config.parameters:,}",
        config.licence or "-",
    )


def _score(config: ModelConfig) -> str:
    """Of the first test that the model keeps: the error rate of lines, the share of formulas without error."""
    measure, shown = ("exprate", "ExpRate") if config.task == "math" else ("cer", "CER")
    for name, told in config.scores.items():
        if name.startswith("test") and told.get(measure) is not None:
            return f"{shown} {100 * told[measure]:.1f} % ({name})"
    return "-"


def _print_entry(key: str, value: Any, indent: str = "") -> None:
    if isinstance(value, dict) and value:
        typer.echo(f"{indent}{key}:")
        for inner, part in value.items():
            _print_entry(inner, part, indent + "  ")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        typer.echo(f"{indent}{key}:")
        for item in value:
            typer.echo(f"{indent}  {', '.join(str(part) for part in item.values())}")
    elif value not in ("", [], {}):
        told = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        typer.echo(f"{indent}{key}: {told:,}" if type(told) is int else f"{indent}{key}: {told}")

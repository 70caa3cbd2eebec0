"""`amanuensis doctor`: what is installed, what is missing, and the line that mends it."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from amanuensis import __version__
from amanuensis.cli.console import print_json, teach
from amanuensis.cli.options import Json
from amanuensis.errors import AmanuensisError

HELP = teach(
    "Say whether this installation works. Prints versions, threads, extras, models, and the command that "
    "mends what is missing. Status 1 if reading does not work.",
    ("amanuensis doctor", "the first thing to run when something fails"),
    ("amanuensis doctor --json", "the same for a bug report"),
)

CORE = ("numpy", "onnxruntime", "pillow", "rapidfuzz", "typer")
EXTRAS = {
    "train": ("torch", "onnx", "pydantic", "safetensors"),
    "math": ("amanuensis-math",),
    "parquet": ("pyarrow",),
    "pages": ("pypdfium2", "rapidocr"),
    "t5": ("transformers", "sentencepiece", "torch"),
    "ray": ("ray",),
    "tensorboard": ("tensorboard",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, how it stands, and how to mend it if it is not well."""

    name: str
    state: str
    mend: str = ""


def doctor(as_json: Json = False) -> None:
    """Examine the installation."""
    core = [_package(name, "pip install --force-reinstall amanuensis") for name in CORE]
    extras = {extra: [_package(name, _install(extra)) for name in EXTRAS[extra]] for extra in EXTRAS}
    programs = [_kraken()]
    models = _models()
    machine = {
        "amanuensis": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": _num_cores(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        "torch runs on": _torch_device(),
    }
    well = not any(finding.mend for finding in (*core, *models))
    if as_json:
        found = {"core": core, **extras, "programs": programs, "models": models}
        print_json({**machine, "well": well, **{part: _listed(items) for part, items in found.items()}})
    else:
        titled = {f"extra {extra}": items for extra, items in extras.items()}
        _print(machine, {"core": core, "models": models, **titled, "other programs": programs})
        typer.echo(f"\n{'Reading works.' if well else 'Reading does not work: see the lines with ->.'}")
    if not well:
        raise typer.Exit(1)


def _install(extra: str) -> str:
    return f"pip install 'amanuensis[{extra}]'"


def _package(name: str, mend: str) -> Finding:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "missing", mend)


def _num_cores() -> int:
    """The cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _torch_device() -> str:
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        return "nothing: torch is not installed (reading does not need it)"
    except Exception as error:  # a broken build fails in many ways; that is what to report
        return f"nothing: importing it failed: {error}"
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()} (CUDA {torch.version.cuda})"
    return "the CPU" if torch.version.cuda is None else f"the CPU (a build for CUDA {torch.version.cuda})"


def _kraken() -> Finding:
    """The program that `--finder kraken` runs; it is looked for and not started, since that loads PyTorch."""
    try:
        from amanuensis.pages.segment_kraken import INSTALL, kraken_command  # noqa: PLC0415
    except ImportError as error:  # a broken core, which is told above
        return Finding("kraken", str(error))
    command = kraken_command()
    return Finding("kraken", "missing", INSTALL) if command is None else Finding("kraken", command)


def _models() -> list[Finding]:
    """Every shipped model reads a cross: no picture that is empty, which is no formula."""
    try:
        from amanuensis.recognition import shipped_models  # noqa: PLC0415

        return [_model(name, folder) for name, folder in shipped_models().items()]
    except (AmanuensisError, ImportError) as error:
        return [Finding("shipped models", str(error), "pip install --force-reinstall amanuensis")]


def _model(name: str, folder: Path) -> Finding:
    import numpy as np  # noqa: PLC0415

    from amanuensis.recognition import load_recognizer  # noqa: PLC0415

    picture = np.full((64, 256), 255, np.uint8)
    picture[30:34, 108:148] = picture[12:52, 126:130] = 0
    try:
        load_recognizer(folder).read(picture)
    except AmanuensisError as error:
        return Finding(name, str(error), f"pip install --force-reinstall {_distribution(name)}")
    return Finding(name, "reads")


def _distribution(model: str) -> str:
    """What is installed to have a shipped model."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    from amanuensis.recognition.catalog import ENTRY_POINTS  # noqa: PLC0415

    found = (entry.dist for entry in entry_points(group=ENTRY_POINTS, name=model))
    return next((dist.name for dist in found if dist is not None), "amanuensis")


def _listed(findings: list[Finding]) -> dict[str, dict[str, str]]:
    return {
        finding.name: {"state": finding.state, **({"mend": finding.mend} if finding.mend else {})}
        for finding in findings
    }


def _print(machine: dict[str, Any], parts: dict[str, list[Finding]]) -> None:
    for key, value in machine.items():
        typer.echo(f"{key}: {value}")
    for title, findings in parts.items():
        typer.echo(f"\n{title}")
        _print_findings(findings)


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        mend = f"  -> {finding.mend}" if finding.mend else ""
        typer.echo(f"  {finding.name}: {finding.state}{mend}")

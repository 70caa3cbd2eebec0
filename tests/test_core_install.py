"""The core, installed without extras into a venv of its own: small, light, without torch, and it reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAX_MEGABYTES = 250
MAX_IMPORT_SECONDS = 1.0
NOT_IN_THE_CORE = ("torch", "torchvision", "torchaudio", "onnx", "safetensors", "pyarrow", "tensorboard")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh venv with the core built from a copy of the checkout (a build writes beside its sources)."""
    folder = tmp_path_factory.mktemp("core")
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    shutil.copytree(
        ROOT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    run(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", checkout, cwd=folder)
    return folder / "venv"


def test_extras_stay_out(venv: Path, tmp_path: Path) -> None:
    code = f"""
from importlib.metadata import requires
from importlib.util import find_spec
print(*(name for name in {NOT_IN_THE_CORE!r} if find_spec(name) is not None))
# Some releases of typer bring pydantic; ours must not need it.
print(*(line for line in requires("amanuensis") if line.startswith("pydantic") and "extra ==" not in line))
"""
    assert run(venv / "bin/python", "-c", code, cwd=tmp_path).split() == []


def test_the_core_is_small(venv: Path, tmp_path: Path) -> None:
    site = Path(
        run(
            venv / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path
        ).strip()
    )
    sizes = {
        entry.name: sum(file.stat().st_size for file in (entry, *entry.rglob("*")) if file.is_file())
        for entry in site.iterdir()
        if not entry.name.startswith(("pip", "setuptools", "__pycache__"))
    }
    megabytes = sum(sizes.values()) / 1e6
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    print(f"\nthe core: {megabytes:.0f} MB;", ", ".join(f"{name} {size / 1e6:.0f}" for name, size in largest))
    assert megabytes < MAX_MEGABYTES
    assert not {"samples", "tests"} & set(sizes)


def test_import_is_quick(venv: Path, tmp_path: Path) -> None:
    code = "import time; start = time.perf_counter(); import amanuensis; print(time.perf_counter() - start)"
    seconds = min(float(run(venv / "bin/python", "-c", code, cwd=tmp_path)) for _ in range(3))
    print(f"\nimport amanuensis: {seconds:.3f} s")
    assert seconds < MAX_IMPORT_SECONDS


def test_recipes_and_models_come_with_the_wheel(venv: Path, tmp_path: Path) -> None:
    code = """
from importlib.resources import files
package = files("amanuensis")
print(*sorted(entry.name for entry in (package / "recipes").iterdir() if entry.name.endswith(".toml")))
print(*sorted(entry.name for entry in (package / "recognition/pretrained/text-small").iterdir()))
"""
    recipes, model = run(venv / "bin/python", "-c", code, cwd=tmp_path).splitlines()
    assert recipes.split() == sorted(path.name for path in (ROOT / "src/amanuensis/recipes").glob("*.toml"))
    assert {"config.json", "model.onnx", "README.md"} <= set(model.split())


def test_the_core_reads_the_samples(venv: Path, tmp_path: Path) -> None:
    lines = run(venv / "bin/amanuensis", "transcribe", ROOT / "samples/lines", cwd=tmp_path).splitlines()
    images = list((ROOT / "samples/lines").rglob("*.jpg"))
    assert len([line for line in lines if line.strip()]) == len(images)
    assert sum(character.isalpha() for line in lines for character in line) > 10 * len(images)


def test_the_doctor_finds_the_core_well(venv: Path, tmp_path: Path) -> None:
    report = run(venv / "bin/amanuensis", "doctor", cwd=tmp_path)
    assert "onnxruntime" in report

"""The house's order: who may import whom, what needs torch, no odds and ends, no module that nobody uses."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "amanuensis"

# A folder (or module) may import only what stands above it.
ORDER = (
    "errors",
    "markup",
    "randomness",
    "records",
    "language",
    "latex",
    "images",
    "ink",
    "metrics",
    "decoding",
    "data",
    "recognition",
    "correction",
    "evaluation",
    "pages",
    "models",
    "training",
    "reproduce",
    "jobs",
    "cli",
    "__main__",
)

# What the core does not install: only these folders may import it; others may inside functions.
HEAVY = {
    "torch",
    "pydantic",
    "onnx",
    "safetensors",
    "tensorboard",
    "pyarrow",
    "pypdfium2",
    "ray",
    "transformers",
}
NEEDS_EXTRAS = {"models", "training"}

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "tools"}


@dataclass(frozen=True)
class Import:
    """`importer` imports `name`; `deferred` when it does so inside a function."""

    importer: str
    name: str
    line: int
    deferred: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imports_of(module: str) -> list[Import]:
    """Every import statement of a module; `from package import submodule` counts as the submodule."""
    found: list[Import] = []

    def visit(node: ast.AST, deferred: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(module, alias.name, node.lineno, deferred) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}:{node.lineno}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append(
                    Import(module, whole if whole in MODULES else str(node.module), node.lineno, deferred)
                )
        inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(TREES[module], False)
    return found


IMPORTS = [found for module in MODULES for found in imports_of(module)]


def folder(module: str) -> str:
    """The part of the house that a module belongs to; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def test_every_folder_has_its_place_in_the_order() -> None:
    folders = {folder(module) for module in MODULES} - {""}
    assert folders <= set(ORDER), "a new folder: give it a place in ORDER and in the table of CONTRIBUTING.md"


def test_a_folder_imports_only_what_stands_above_it() -> None:
    wrong = [
        f"{found.importer}:{found.line} imports {found.name}"
        for found in IMPORTS
        if folder(found.name)
        and found.name.startswith("amanuensis.")
        and folder(found.importer)
        and ORDER.index(folder(found.name)) > ORDER.index(folder(found.importer))
    ]
    assert not wrong, wrong


def test_nobody_imports_the_package_itself_but_for_its_version() -> None:
    wrong = [
        f"{module}:{node.lineno} imports {alias.name} from amanuensis"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "amanuensis"
        for alias in node.names
        if alias.name != "__version__" and f"amanuensis.{alias.name}" not in MODULES
    ]
    assert not wrong, wrong


def is_guarded(module: str, line: int) -> bool:
    """Whether a line stands under `if TYPE_CHECKING:`."""
    return any(
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
        for node in ast.walk(TREES[module])
    )


def test_only_networks_and_training_import_what_the_core_lacks() -> None:
    wrong = [
        f"{found.importer}:{found.line} imports {found.name}"
        for found in IMPORTS
        if found.name.split(".")[0] in HEAVY
        and folder(found.importer) not in NEEDS_EXTRAS
        and not found.deferred
        and not is_guarded(found.importer, found.line)
    ]
    assert not wrong, wrong


def test_networks_are_imported_from_above_only_inside_functions() -> None:
    """The command line lists models and reads lines where torch is not installed."""
    wrong = [
        f"{found.importer}:{found.line} imports {found.name}"
        for found in IMPORTS
        if found.name.startswith("amanuensis.")
        and folder(found.name) in NEEDS_EXTRAS
        and folder(found.importer) not in NEEDS_EXTRAS
        and not found.deferred
        and not is_guarded(found.importer, found.line)
    ]
    assert not wrong, wrong


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    wrong = [module for module in MODULES if NAMELESS & set(module.lower().replace("_", ".").split("."))]
    assert not wrong, wrong


def entry_points() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    return {value.split(":")[0] for group in groups for value in group.values()}


def test_every_module_is_used() -> None:
    """Imported by another one, named in a string (a lazy import), or an entry point."""
    used = entry_points() | {"amanuensis", "amanuensis.__main__"}
    used |= {found.name for found in IMPORTS if found.name != found.importer}
    used |= {
        node.value
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != module
    }
    packages = {".".join(name.split(".")[:i]) for name in used for i in range(1, name.count(".") + 1)}
    unused = sorted(set(MODULES) - used - packages)
    assert not unused, f"nobody imports {unused}"


@pytest.mark.parametrize("module", ["amanuensis", "amanuensis.cli"])
def test_importing_is_light(module: str) -> None:
    """Neither torch nor, at the top, onnxruntime or Pillow is loaded before somebody asks for it."""
    heavy = HEAVY | ({"onnxruntime", "PIL"} if module == "amanuensis" else set())
    code = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []

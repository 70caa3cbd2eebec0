"""No extra brings torchvision, torchaudio or, beside a CPU build of torch, gigabytes of CUDA."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

UNWANTED = {"torchvision", "torchaudio", "lightning"}


def name_of(requirement: str) -> str:
    """The project that a requirement asks for, as package indexes spell it."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def closure(project: str, extras: frozenset[str]) -> set[str]:
    """Every installed project that `project` with these extras asks for, over any number of steps."""
    found: set[str] = set()
    waiting = [(project, extras)]
    while waiting:
        name, wanted = waiting.pop()
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another platform, or not installed
        for requirement in requirements:
            condition = re.search(r"extra == ['\"]([^'\"]+)", requirement)
            if condition and condition[1] not in wanted:
                continue
            required = name_of(requirement)
            if required not in found:
                found.add(required)
                inner = re.match(r"[A-Za-z0-9._-]+\[([^\]]*)\]", requirement)
                waiting.append((required, frozenset(inner[1].split(",")) if inner else frozenset()))
    return found


def test_no_extra_asks_for_what_breaks_an_install() -> None:
    extras = frozenset(metadata.metadata("amanuensis").get_all("Provides-Extra") or [])
    required = closure("amanuensis", extras)
    assert {"numpy", "torch"} <= required, "the closure does not reach what it must"
    assert not UNWANTED & required


def test_a_cpu_build_of_torch_comes_without_cuda() -> None:
    torch = pytest.importorskip("torch")
    if torch.version.cuda is not None:
        pytest.skip("this torch is a CUDA build")
    installed = {name_of(distribution.name) for distribution in metadata.distributions()}
    assert not {name for name in installed if name.startswith("nvidia-") or name in ("triton", "torchvision")}

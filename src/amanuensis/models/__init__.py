"""The networks: tensors in and out, nothing else. `NETWORKS` and `FORMULA_NETWORKS` alone name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from amanuensis.errors import ModelError
from amanuensis.models.bttr import Bttr, BttrConfig
from amanuensis.models.catnet import Catnet, CatnetConfig, FormulaOutput
from amanuensis.models.htr_jand import HtrJand, HtrJandConfig, LineOutput, num_parameters, parameter_breakdown

_TEACHER = HtrJandConfig(height=68, channels=(32, 40, 40, 40, 40), hidden=128, heads=2)
_STUDENT = HtrJandConfig(height=68, channels=(16, 32, 64), hidden=64, heads=1)


def _for_cpu(config: HtrJandConfig) -> HtrJandConfig:
    return replace(
        config,
        height=64,
        fourfold=True,
        space_to_depth=True,
        pool_first=True,
        residual=True,
        feature_norm=True,
    )


NETWORKS: Mapping[str, HtrJandConfig] = {
    "htr-jand-teacher": _TEACHER,
    "htr-jand-student": _STUDENT,
    "htr-jand-teacher-cpu": _for_cpu(_TEACHER),
    "htr-jand-student-cpu": _for_cpu(_STUDENT),
}

PAPER_NUM_CLASSES = 104  # 103 characters and the blank: spec D7

FormulaConfig = CatnetConfig | BttrConfig
FormulaNetwork = Catnet | Bttr
"""What reads formulas: both have `config`, `stride`, `forward` as `FormulaOutput` and `for_reading`."""

# Spec 3.1 and 3.4. Those with two blocks read pictures at half scale, so that their grid is the paper's too.
FORMULA_NETWORKS: Mapping[str, FormulaConfig] = {
    "catnet": CatnetConfig(),
    "catnet-16": CatnetConfig(growth=16, blocks=(8, 8, 8), attention=128),
    "catnet-medium": CatnetConfig(growth=24, blocks=(8, 16), stem_stride=2, attention=256),
    "catnet-small": CatnetConfig(growth=16, blocks=(8, 12), stem_stride=2, attention=128),
    "bttr": BttrConfig(),
    "bttr-small": BttrConfig(growth=16, blocks=(8, 12), stem_stride=2, width=128, feed_forward=512),
}
CROHME_NUM_CLASSES = 113  # 110 tokens, end, start and padding


def network_config(name: str, options: Mapping[str, Any] | None = None) -> HtrJandConfig:
    """The configuration of a named network with some fields changed.

    Raises:
        ModelError: no network has that name, an option is not a field of its configuration, or a value is impossible.
    """
    if name not in NETWORKS:
        raise ModelError(f"no network is called {name!r}; there are: {', '.join(NETWORKS)}")
    known = {field.name for field in fields(HtrJandConfig)}
    unknown = sorted(set(options or {}) - known)
    if unknown:
        raise ModelError(f"{name} has no option {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return replace(NETWORKS[name], **_changes(options))


def _changes(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Options as the configurations hold them: what TOML and JSON write as lists are tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in (options or {}).items()
    }


def build_network(
    name: str, num_classes: int = PAPER_NUM_CLASSES, options: Mapping[str, Any] | None = None
) -> HtrJand:
    """A freshly initialized network by name; `num_classes` counts the blank."""
    return HtrJand(network_config(name, options), num_classes)


def formula_network_config(name: str, options: Mapping[str, Any] | None = None) -> FormulaConfig:
    """The configuration of a named formula network with some fields changed.

    Raises:
        ModelError: no network has that name, or an option is not a field of its configuration.
    """
    if name not in FORMULA_NETWORKS:
        raise ModelError(f"no formula network is called {name!r}; there are: {', '.join(FORMULA_NETWORKS)}")
    config = FORMULA_NETWORKS[name]
    known = {field.name for field in fields(config)}
    unknown = sorted(set(options or {}) - known)
    if unknown:
        raise ModelError(f"{name} has no option {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return replace(config, **_changes(options))


def build_formula_network(
    name: str, num_classes: int = CROHME_NUM_CLASSES, options: Mapping[str, Any] | None = None
) -> FormulaNetwork:
    """A freshly initialized formula network by name; `num_classes` counts the three specials."""
    config = formula_network_config(name, options)
    return Catnet(config, num_classes) if isinstance(config, CatnetConfig) else Bttr(config, num_classes)


__all__ = [
    "CROHME_NUM_CLASSES",
    "FORMULA_NETWORKS",
    "NETWORKS",
    "PAPER_NUM_CLASSES",
    "Bttr",
    "BttrConfig",
    "Catnet",
    "CatnetConfig",
    "FormulaConfig",
    "FormulaNetwork",
    "FormulaOutput",
    "HtrJand",
    "HtrJandConfig",
    "LineOutput",
    "build_formula_network",
    "build_network",
    "formula_network_config",
    "network_config",
    "num_parameters",
    "parameter_breakdown",
]

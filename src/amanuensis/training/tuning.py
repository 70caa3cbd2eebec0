"""Which recipe tunes a model to how many lines of one's own.

Our addition: the fewer the lines, the less of the network moves, the slower it starts and the smaller its batches. The
bounds are by what the recipes were made for; docs/benchmarks.md holds what was measured at 50, 200 and 325 lines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from amanuensis.training.recipe import load_recipe
from amanuensis.training.sources import read_sources

_UP_TO = ((149, "finetune-few"), (999, "finetune-hundreds"))
_BEYOND = "finetune"

TUNING_RECIPES = (*(name for _, name in _UP_TO), _BEYOND)


def recipe_for(num_lines: int) -> str:
    """The shipped recipe that tunes a model to so many train lines."""
    return next((name for most, name in _UP_TO if num_lines <= most), _BEYOND)


def fitting_recipe(recipe: str | None, overrides: Sequence[str]) -> tuple[str, int]:
    """The recipe that fits the train lines of some data, and how many lines these are; no image is opened.

    Args:
        recipe: one of `TUNING_RECIPES`, or None: what a run keeps of its lines to validate may differ between them.
        overrides: as `train --set` takes them; `data.paths` is among them, or the recipe's own is read.

    Raises:
        RecipeError: an override is wrong.
        DataError: the data cannot be read.
    """
    chosen = load_recipe(recipe or TUNING_RECIPES[0], overrides)
    number = len(read_sources(chosen.data, chosen.seed).train)
    return recipe_for(number), number


def tuning_changes(data: Sequence[Path], fonts: Path | None) -> list[str]:
    """What lines and fonts of one's own change in a recipe, as `train --set` takes it.

    Args:
        data: data sets in place of the recipe's.
        fonts: a folder of handwriting fonts; 3 lines of 10 are then synthetic, of the train lines' own texts.
    """
    changes = [f"data.paths={json.dumps([str(path) for path in data], ensure_ascii=False)}"] if data else []
    if fonts is not None:
        quoted = json.dumps(str(fonts), ensure_ascii=False)
        changes += [f"synthetic.fonts={quoted}", "synthetic.texts=train", "synthetic.share=0.3"]
    return changes

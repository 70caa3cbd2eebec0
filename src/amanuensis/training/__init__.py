"""Training: batches, objectives, the loop, runs that resume, export. Needs the extra `train`.

`train` and `export_model` are what the command line calls; everything else is for those who build on it.
"""

from amanuensis.training.budget import parse_duration
from amanuensis.training.build import RunOptions, train
from amanuensis.training.export import ParityReport, export_model
from amanuensis.training.recipe import Recipe, load_recipe, shipped_recipes
from amanuensis.training.run import RunFolder
from amanuensis.training.tuning import TUNING_RECIPES, fitting_recipe, tuning_changes

__all__ = [
    "TUNING_RECIPES",
    "ParityReport",
    "Recipe",
    "RunFolder",
    "RunOptions",
    "export_model",
    "fitting_recipe",
    "load_recipe",
    "parse_duration",
    "shipped_recipes",
    "train",
    "tuning_changes",
]

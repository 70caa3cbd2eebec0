"""The layer that tells classes: a linear one by a name of its own, since optimizers treat its rows otherwise."""

from __future__ import annotations

from torch import nn


class Classifier(nn.Linear):
    """`nn.Linear` whose rows are classes, rare ones and common ones: no direction of it should learn as fast as any."""

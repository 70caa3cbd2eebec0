"""A network that tags each character of a line with an edit: keep, delete, replace, and insert behind. Our addition.

The small corrector for CPUs. It begins as the identity: both heads have zero weights and a bias for "keep" and "insert
nothing", so before training no line is changed, and training can only learn exceptions (spec 2.12 leaves the small
corrector open).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

KEEP_BIAS = 8.0


@dataclass(frozen=True, slots=True)
class EditTaggerConfig:
    """The size of a tagger.

    Attributes:
        num_symbols: V, the characters that it knows.
        width: channels.
        dilations: of the convolutions, one a layer; kernel 5.
        dropout: between layers.
    """

    num_symbols: int
    width: int = 96
    dilations: tuple[int, ...] = (1, 2, 4, 1)
    dropout: float = 0.1


class EditTagger(nn.Module):
    """Dilated convolutions over characters and their confidences."""

    def __init__(self, config: EditTaggerConfig) -> None:
        super().__init__()
        width = config.width
        self.embedding = nn.Embedding(
            config.num_symbols + 2, width
        )  # unknown or padding, the symbols, the beginning
        self.sureness = nn.Linear(1, width)
        self.layers = nn.ModuleList(_Layer(width, dilation, config.dropout) for dilation in config.dilations)
        self.edit = nn.Linear(width, config.num_symbols + 2)  # keep, delete, replace by symbol i
        self.insertion = nn.Linear(width, config.num_symbols + 1)  # nothing, symbol i
        for head in (self.edit, self.insertion):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
            with torch.no_grad():
                head.bias[0] = KEEP_BIAS

    def forward(self, symbols: Tensor, sureness: Tensor) -> tuple[Tensor, Tensor]:
        """Tag lines.

        Args:
            symbols: (B, T) int64: the beginning, then the characters; 0 is padding and unknown characters.
            sureness: (B, T) log-odds of the characters' confidences, scaled; 0 for the beginning and padding.

        Returns:
            Logits of edits (B, T, V + 2) and of what to insert behind (B, T, V + 1).
        """
        x = self.embedding(symbols) + self.sureness(sureness.unsqueeze(2))
        for layer in self.layers:
            x = layer(x)
        return self.edit(x), self.insertion(x)


class _Layer(nn.Module):
    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        found = self.conv(self.norm(x).transpose(1, 2)).transpose(1, 2)
        result: Tensor = x + self.dropout(self.mix(torch.relu(found)))
        return result

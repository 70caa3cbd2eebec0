"""Cutting a collection into shards for a scheduler: which pages belong to part i of n."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from amanuensis.errors import DataError


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 1) of `count`.

    A page's part follows from its name alone, never from its neighbors: files that come or go while the parts run
    move no page from one part to another.
    """

    index: int = 1
    count: int = 1

    @staticmethod
    def parse(text: str) -> Shard:
        """A shard as written on a command line: `2/8`.

        Raises:
            DataError: it is not of this form, or there is no such part.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise DataError(f"--shard {text}: a part and how many there are, from 1/8 to 8/8 for instance")
        return Shard(int(match[1]), int(match[2]))

    def holds(self, name: str) -> bool:
        """Whether the page of this name belongs to this part."""
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index - 1

    def __str__(self) -> str:
        """As on the command line."""
        return f"{self.index}/{self.count}"

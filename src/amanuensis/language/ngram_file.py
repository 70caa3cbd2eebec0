"""The file of an n-gram model: a line of JSON, then the arrays (`NGramTrie.arrays`), little-endian. No pickle.

The line names the format, its version, the unit, the symbols, how many n-grams of each order there are, the bits of a
probability, and the CRC-32 of the arrays. The arrays are used where they lie, so a mapped file is never copied.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from amanuensis.language.ngram_trie import BITS, Buffer, NGramTrie

Unit = Literal["tokens", "characters", "words"]
"""What a model's symbols are: tokens of captions, characters of lines, words (runs of letters and digits)."""

UNITS: tuple[Unit, ...] = get_args(Unit)
MAX_ORDER = 8
_FORMAT = {"format": "amanuensis-ngram", "version": 2}
_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class StoredNGrams:
    """What a file holds.

    Attributes:
        unit: what the symbols are.
        symbols: the known symbols.
        trie: the n-grams.
    """

    unit: Unit
    symbols: Sequence[str]
    trie: NGramTrie


def write_ngrams(stored: StoredNGrams) -> bytes:
    """The content of a file."""
    arrays = (a.astype(a.dtype.newbyteorder("<"), copy=False) for a in stored.trie.arrays())
    body = b"".join(array.tobytes() for array in arrays)
    header = {
        **_FORMAT,
        "unit": stored.unit,
        "symbols": stored.symbols,
        "ngrams": stored.trie.sizes,
        "bits": stored.trie.bits,
        "crc": zlib.crc32(body),
    }
    return json.dumps(header).encode() + b"\n" + body


def read_ngrams(content: Buffer) -> StoredNGrams:
    """The inverse of `write_ngrams`, of bytes or of a mapped file.

    Raises:
        ValueError: it is no such file, of another version, or damaged.
        RecursionError: the first line is absurd.
    """
    content = memoryview(content)
    line = _first_line(content)
    header = _checked_header(line)
    body = content[len(line) + 1 :]
    num_symbols = len(header.symbols) + 3
    trie = NGramTrie.from_buffer(body, header.sizes, bits=header.bits, num_symbols=num_symbols)
    if zlib.crc32(body) != header.crc:
        raise ValueError("its n-grams are not those that were written")
    return StoredNGrams(header.unit, header.symbols, trie)


@dataclass(frozen=True, slots=True)
class _Header:
    unit: Unit
    symbols: list[str]
    sizes: list[int]
    bits: int
    crc: int


def _first_line(content: memoryview) -> bytes:
    """What stands before the first line break; the rest is not copied."""
    taken: list[bytes] = []
    for at in range(0, len(content), _PIECE):
        taken.append(bytes(content[at : at + _PIECE]))
        if b"\n" in taken[-1]:
            break
    return b"".join(taken).partition(b"\n")[0]


def _checked_header(line: bytes) -> _Header:
    """What the first line tells, or a ValueError."""
    header = json.loads(line)
    if not isinstance(header, dict) or {key: header.get(key) for key in _FORMAT} != _FORMAT:
        raise ValueError(f"its first line does not tell {_FORMAT}")
    unit, symbols, sizes, bits, crc = (
        header.get(key) for key in ("unit", "symbols", "ngrams", "bits", "crc")
    )
    if unit not in UNITS:
        raise ValueError(f"its unit is {unit!r}, not one of {', '.join(UNITS)}")
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise ValueError("its symbols are not strings")
    if not isinstance(sizes, list) or len(sizes) not in range(1, MAX_ORDER + 1):
        raise ValueError(f"its orders are not 1 to {MAX_ORDER}")
    if not all(type(size) is int and size >= 0 for size in sizes) or sizes[0] != len(symbols) + 3:
        raise ValueError("its numbers of n-grams are no counts")
    if bits not in BITS or type(crc) is not int:
        raise ValueError("it does not tell the bits of a probability and a checksum")
    return _Header(unit, symbols, sizes, bits, crc)

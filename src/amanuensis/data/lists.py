"""Text files of rows: lines with their numbers, and the lists of ids that make the splits of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from amanuensis.data.dataset import Collector

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def numbered_lines(path: Path, collector: Collector) -> Iterator[tuple[str, str]]:
    """(where, line) of every line that is not blank; what cannot be read is named and left out.

    A byte order mark and Windows line ends are removed. Only line feeds end a line: transcriptions may hold
    the other characters that `str.splitlines` breaks at.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        collector.problem(str(path), f"cannot be read: {error.strerror}")
        return
    if data.startswith(_UTF_16):
        collector.problem(str(path), "the file is UTF-16: save it as UTF-8")
        return
    for number, row in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        where = f"{path}:{number}"
        try:
            line = row.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            collector.problem(where, f"not UTF-8 (byte {error.start + 1} of the row)")
            continue
        if line.strip():
            yield where, line


class SplitLists:
    """Which split an id belongs to, by the lists of a data set; and what they list in vain."""

    def __init__(self, files: Mapping[Path, str], collector: Collector) -> None:
        self._collector = collector
        self._listed: dict[str, tuple[str, str]] = {}
        self._met: set[str] = set()
        for file, split in files.items():
            for where, line in numbered_lines(file, collector):
                id_ = line.strip()
                first, _ = self._listed.setdefault(id_, (where, split))
                if first != where:
                    collector.problem(where, f"{id_!r} is already listed in {first}, which counts")

    def of(self, *ids: str) -> str:
        """The split of the first of some ids (a line's, its page's) that is listed, or ""."""
        self._met.update(ids)
        return next((self._listed[id_][1] for id_ in ids if id_ in self._listed), "")

    def close(self) -> None:
        """Name every listed id that `of` was never asked about."""
        for id_, (where, _) in self._listed.items():
            if id_ not in self._met:
                self._collector.problem(where, f"{id_!r} is listed, but has no transcription")

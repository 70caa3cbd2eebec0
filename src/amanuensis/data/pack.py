"""One file instead of thousands: grey images at a model's height in a zip, with their texts, read lazily.

A pack is a zip whose members are stored (images are compressed already): `pack.json` (format, image spec,
codec, data sets with fingerprints), the images, and `samples.jsonl`. It is ours, for moving data to where a
training runs; nothing in it refers to the place where it was made.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from amanuensis.data.dataset import Collector, Dataset, Problem, fingerprint
from amanuensis.errors import AmanuensisError, DataError, ImageError, ModelError
from amanuensis.images import ImageSpec, load_image, resize_to_spec
from amanuensis.ink import InkImage
from amanuensis.records import Sample

FORMAT = 1
JPEG_QUALITY = 90
Codec = Literal["png", "jpeg"]

_FORMULAS = frozenset({"crohme", "inkml"})  # layouts
_COMMAND = re.compile(r"\\[A-Za-z]{2,}")

_KEYS = ("dataset", "id", "image", "text", "split", "page", "writer")
_LOCAL_HEADER = 30  # bytes of a zip member's local header before its name; the lengths stand at 26 and 28


@dataclass(frozen=True, slots=True)
class PackMember:
    """An image in a pack.

    It is read by offset: so it costs no look at the zip's directory, and workers share no open file. `spec` is what it
    was packed for.
    """

    path: Path
    member: str
    offset: int
    size: int
    crc: int
    spec: ImageSpec

    @property
    def name(self) -> str:
        """The pack and the member."""
        return f"{self.path}[{self.member}]"

    def read(self) -> bytes:
        """The encoded bytes.

        Raises:
            ImageError: the pack is gone, was replaced or is damaged.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                header = file.read(_LOCAL_HEADER)
                lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
                file.seek(self.offset + _LOCAL_HEADER + lengths)
                encoded = file.read(self.size)
        except OSError as error:
            raise ImageError(f"{self.name}: cannot be read: {error.strerror}") from error
        if len(encoded) != self.size or zlib.crc32(encoded) != self.crc:
            raise ImageError(f"{self.name}: the pack is damaged or was replaced")
        return encoded


@dataclass(frozen=True, slots=True)
class PackCounts:
    """What `pack` wrote: samples, size of the file in bytes, and what is not in it, by name."""

    num_samples: int
    num_bytes: int
    problems: tuple[Problem, ...]


def pack(datasets: Sequence[Dataset], target: Path, spec: ImageSpec, codec: Codec = "png") -> PackCounts:
    """Write data sets into one file, their images grey and of a model's size.

    An image that cannot be read is named and left out. The file appears when it is complete.

    Args:
        datasets: of distinct names.
        target: the file to write, `.zip`; replaced if it is there.
        spec: the image spec of the model to be trained.
        codec: "png" keeps every pixel; "jpeg" (quality 90) is smaller.

    Raises:
        DataError: two data sets have one name, one holds formulas, the target is no `.zip`, or nothing could be packed.
    """
    if formulas := [dataset.name for dataset in datasets if _holds_formulas(dataset)]:
        raise DataError(
            f"{target}: a pack holds lines, at one height, where formulas cannot be read; "
            f"leave out {', '.join(formulas)}"
        )
    doubled = [name for name, count in Counter(d.name for d in datasets).items() if count > 1]
    if doubled or target.suffix != ".zip":
        raise DataError(f"{target}: a pack is a .zip of data sets of distinct names; twice: {doubled}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    try:
        counts = _write(datasets, partial, spec, codec)
        if not counts.num_samples:
            raise DataError(f"{target}: nothing could be packed: {', '.join(map(str, counts.problems[:3]))}")
        os.replace(partial, target)  # noqa: PTH105
    finally:
        partial.unlink(missing_ok=True)
    return counts


def _holds_formulas(dataset: Dataset) -> bool:
    """Whether a data set is of formulas: by its layout, its ink, or commands of LaTeX in a quarter of its texts."""
    if dataset.layout in _FORMULAS or any(isinstance(s.image, InkImage) for s in dataset.samples):
        return True
    return 4 * sum(_COMMAND.search(s.text) is not None for s in dataset.samples) > len(dataset.samples)


def detect_pack(path: Path) -> bool:
    """A `.zip` file."""
    return path.suffix == ".zip" and path.is_file()


_NO_PACK = (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError, RuntimeError, ModelError)
"""What reading some other zip ends in; `RuntimeError` if it is encrypted."""


def read_pack(path: Path, collector: Collector) -> None:
    """Read `samples.jsonl`; the images stay in the pack. Samples keep the data set names of the pack.

    Raises:
        DataError: the file is no pack, of a later format, or was compressed by another program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if "pack.json" not in members:
                raise DataError(f"{path}: no pack; if it is a data set that was zipped, unpack it")
            if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
                raise DataError(f"{path}: the pack was compressed by another program: pack anew")
            header = json.loads(archive.read("pack.json"))
            if header["format"] != FORMAT:
                raise DataError(f"{path}: a pack of format {header['format']}; this version reads {FORMAT}")
            spec = ImageSpec.from_dict(header["image"])
            rows = archive.read("samples.jsonl").decode().removesuffix("\n").split("\n")
    except _NO_PACK as error:
        raise DataError(f"{path}: no pack (a zip written by `data pack`): {error}") from error
    for number, line in enumerate(rows, start=1):
        where = f"{path}[samples.jsonl:{number}]"
        try:
            row = _strings(line)
            member = members[row.pop("image")]
        except (KeyError, ValueError, RecursionError) as error:
            collector.problem(where, f"broken row: {error}")
            continue
        image = PackMember(
            path.absolute(), member.filename, member.header_offset, member.file_size, member.CRC, spec
        )
        split = collector.split_of(where, row["split"])
        collector.add(where, image=image, **(row | {"split": split}))


def _strings(line: str) -> dict[str, Any]:
    """A row of `samples.jsonl`.

    Raises:
        ValueError: it has other keys than those written, or something else than strings.
    """
    row = json.loads(line)
    if (
        not isinstance(row, dict)
        or set(row) != set(_KEYS)
        or not all(isinstance(v, str) for v in row.values())
    ):
        raise ValueError(f"not the strings {', '.join(_KEYS)}")
    return row


def _write(datasets: Sequence[Dataset], path: Path, spec: ImageSpec, codec: Codec) -> PackCounts:
    """Write the zip: images first, then the rows that name them. The same input gives the same bytes."""
    rows: list[str] = []
    problems: list[Problem] = []
    manifest = []
    with zipfile.ZipFile(path, "w") as archive:
        for dataset in datasets:
            problems += dataset.problems
            packed = []
            for sample in dataset.samples:
                member = f"images/{len(rows):07d}.{codec}"
                try:
                    _store(archive, member, _encode(sample, spec, codec))
                except AmanuensisError as error:
                    problems.append(Problem(sample.key, str(error)))
                    continue
                packed.append(sample)
                rows.append(json.dumps(_row(sample, member), ensure_ascii=False))
            digest = fingerprint(replace(dataset, samples=tuple(packed)))
            manifest.append({"name": dataset.name, "layout": dataset.layout, "fingerprint": digest})
        header = {"format": FORMAT, "image": spec.to_dict(), "codec": codec, "datasets": manifest}
        _store(archive, "pack.json", json.dumps(header, ensure_ascii=False, indent=1).encode())
        _store(archive, "samples.jsonl", ("\n".join(rows) + "\n").encode())
    return PackCounts(len(rows), path.stat().st_size, tuple(problems))


def _store(archive: zipfile.ZipFile, member: str, data: bytes) -> None:
    """Add a member without compression and without the time of day."""
    info = zipfile.ZipInfo(member)
    info.external_attr = 0o644 << 16  # or other programs extract it unreadable
    archive.writestr(info, data)


def _row(sample: Sample, member: str) -> dict[str, str]:
    image = {"image": member}
    return {key: image.get(key) or getattr(sample, key) for key in _KEYS}


def _encode(sample: Sample, spec: ImageSpec, codec: Codec) -> bytes:
    """The sample's image, prepared up to contrast, as PNG or JPEG."""
    image = Image.fromarray(resize_to_spec(load_image(sample.image), spec))
    encoded = io.BytesIO()
    if codec == "png":
        image.save(encoded, "PNG", compress_level=6)
    else:
        image.save(encoded, "JPEG", quality=JPEG_QUALITY)
    return encoded.getvalue()

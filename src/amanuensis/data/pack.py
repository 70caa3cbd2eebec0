"""One file instead of thousands: grey images at a model's height in a zip, with their texts, read lazily.

A pack is a zip whose members are stored (images are compressed already): `pack.json` (format, image spec,
codec, data sets with fingerprints), the images, and `samples.jsonl`. It is ours, for moving data to where a
training runs; nothing in it refers to the place where it was made.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from amanuensis.data.dataset import Collector, Dataset, Problem, fingerprint
from amanuensis.errors import AmanuensisError, DataError, ImageError
from amanuensis.images import ImageSpec, load_image, resize_to_spec
from amanuensis.records import Sample

FORMAT = 1
JPEG_QUALITY = 90
Codec = Literal["png", "jpeg"]

_LOCAL_HEADER = 30  # bytes of a zip member's local header before its name; the lengths stand at 26 and 28


@dataclass(frozen=True, slots=True)
class PackMember:
    """An image in a pack.

    It is read by offset: so it costs no look at the zip's directory, and workers share no open file.
    """

    path: Path
    member: str
    offset: int
    size: int
    crc: int

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
        DataError: two data sets have one name, the target is no `.zip`, or nothing could be packed.
    """
    doubled = [name for name, count in Counter(d.name for d in datasets).items() if count > 1]
    if doubled or target.suffix != ".zip":
        raise DataError(f"{target}: a pack is a .zip of data sets of distinct names; twice: {doubled}")
    partial = target.with_name(target.name + ".partial")
    try:
        counts = _write(datasets, partial, spec, codec)
        if not counts.num_samples:
            raise DataError(f"{target}: nothing could be packed: {', '.join(map(str, counts.problems[:3]))}")
        os.replace(partial, target)  # noqa: PTH105
    finally:
        partial.unlink(missing_ok=True)
    return counts


def detect_pack(path: Path) -> bool:
    """A `.zip` file."""
    return path.suffix == ".zip" and path.is_file()


def read_pack(path: Path, collector: Collector) -> None:
    """Read `samples.jsonl`; the images stay in the pack. Samples keep the data set names of the pack.

    Raises:
        DataError: the file is no pack, or of a later format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            stored = json.loads(archive.read("pack.json"))
            if stored["format"] != FORMAT:
                raise DataError(f"{path}: a pack of format {stored['format']}; this version reads {FORMAT}")
            rows = archive.read("samples.jsonl").decode().splitlines(keepends=False)
            members = {member.filename: member for member in archive.infolist()}
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: no pack (a zip written by `data pack`): {error}") from error
    for number, line in enumerate(rows, start=1):
        where = f"{path}[samples.jsonl:{number}]"
        try:
            row = json.loads(line)
            member = members[row.pop("image")]
            image = PackMember(
                path.absolute(), member.filename, member.header_offset, member.file_size, member.CRC
            )
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError("its image was compressed again; pack anew")
            collector.add(where, image=image, **row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            collector.problem(where, f"broken row: {error}")


def _write(datasets: Sequence[Dataset], path: Path, spec: ImageSpec, codec: Codec) -> PackCounts:
    """Write the zip: images first, then the rows that name them."""
    rows: list[str] = []
    problems = [problem for dataset in datasets for problem in dataset.problems]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("pack.json", _header(datasets, spec, codec))
        for dataset in datasets:
            for sample in dataset.samples:
                member = f"images/{len(rows):07d}.{codec}"
                try:
                    archive.writestr(member, _encode(sample, spec, codec))
                except AmanuensisError as error:
                    problems.append(Problem(sample.key, str(error)))
                    continue
                rows.append(json.dumps(_row(sample, member), ensure_ascii=False))
        archive.writestr("samples.jsonl", "\n".join(rows) + "\n")
    return PackCounts(len(rows), path.stat().st_size, tuple(problems))


def _header(datasets: Sequence[Dataset], spec: ImageSpec, codec: Codec) -> str:
    sets = [{"name": d.name, "layout": d.layout, "fingerprint": fingerprint(d)} for d in datasets]
    return json.dumps({"format": FORMAT, "image": spec.to_dict(), "codec": codec, "datasets": sets}, indent=1)


def _row(sample: Sample, member: str) -> dict[str, Any]:
    return {
        "dataset": sample.dataset,
        "id": sample.id,
        "image": member,
        "text": sample.text,
        "split": sample.split,
        "page": sample.page,
        "writer": sample.writer,
    }


def _encode(sample: Sample, spec: ImageSpec, codec: Codec) -> bytes:
    """The sample's image, prepared up to contrast, as PNG or JPEG."""
    image = Image.fromarray(resize_to_spec(load_image(sample.image), spec))
    encoded = io.BytesIO()
    if codec == "png":
        image.save(encoded, "PNG", compress_level=6)
    else:
        image.save(encoded, "JPEG", quality=JPEG_QUALITY)
    return encoded.getvalue()

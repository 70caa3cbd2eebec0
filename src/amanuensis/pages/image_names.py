"""Where the image lies that a page file names: beside it, and nowhere else.

Page files come from strangers. A name that is absolute, climbs out of the folder or is an address is refused: it
would have us open files that nobody meant us to, and the results would lie about what was read.
"""

from __future__ import annotations

import re
from pathlib import Path

from amanuensis.errors import DataError, MissingImageError

IMAGE_SUFFIXES = (
    ".tif",
    ".tiff",
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".jp2",
    ".bmp",
    ".gif",
    ".ppm",
    ".pgm",
    ".avif",
)
"""Of pictures, in the order in which they are looked for where a page file's own name fits none."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
FOLDERS_OF_XML = frozenset(("page", "alto", "xml", "pagexml", "page_xml"))
"""Names of folders of page files whose images lie above them."""


def checked_name(name: str, where: str) -> Path:
    """The relative path that a page file calls its image; backslashes are folders too.

    Args:
        name: as it stands in the file.
        where: what to call the file in messages.

    Raises:
        DataError: it is empty, absolute, an address, the folder itself, or climbs out of it.
    """
    name = name.strip()
    parts = re.split(r"[\\/]", name)
    outside = _SCHEME.match(name) or not parts[0] or ".." in parts or "\0" in name
    if outside or not Path(*parts).name:
        raise DataError(
            f"{where}: the image's name {name[:120]!r} is refused: it must be a file name relative to this file, "
            f"without .. in it"
        )
    return Path(*parts)


def is_there(path: Path) -> bool:
    """Whether a file lies there that can be reached; under a name that is too long for any file, none does."""
    try:
        return path.is_file()
    except OSError:
        return False


def find_image(page_file: Path, name: str) -> Path:
    """The image that a page file names.

    It is looked for beside the page file; above it, where that lies in a folder called page or alto, as Transkribus
    exports it; and under the page file's own stem, where the name fits nothing.

    Raises:
        DataError: the name is refused, see `checked_name`.
        MissingImageError: it is not there.
    """
    relative = checked_name(name, str(page_file))
    folders = [page_file.parent]
    if page_file.parent.name.casefold() in FOLDERS_OF_XML:
        folders.append(page_file.parent.parent)
    stems = [relative.with_suffix(""), Path(page_file.stem)]
    names = [relative, *(stem.with_name(stem.name + suffix) for stem in stems for suffix in IMAGE_SUFFIXES)]
    candidates = [folder / candidate for candidate in names for folder in folders]
    found = next((path for path in candidates if is_there(path)), None)
    if found is None:
        looked = " and ".join(str(folder) for folder in folders)
        raise MissingImageError(
            f"{page_file}: its image {str(relative)[:120]} is not there; looked in {looked}",
            dict.fromkeys(path.parent for path in candidates),
        )
    return found

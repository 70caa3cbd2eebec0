"""The XML files of data sets."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from amanuensis.errors import DataError
from amanuensis.markup import parse_xml


def read_xml(path: Path) -> ElementTree.Element:
    """The root element of an XML file, which may name a DTD; see `parse_xml`.

    Raises:
        DataError: the file cannot be read, is broken, or declares entities.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_xml(data, str(path), named_dtd=True)

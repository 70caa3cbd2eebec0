"""Reading the XML files of data sets without trusting them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from amanuensis.errors import DataError

_NAMED_DTD = re.compile(rb"<!DOCTYPE[^<>\[]*>")


def read_xml(path: Path) -> ElementTree.Element:
    """The root element of an XML file.

    Entities and document types of the file's own are refused: a few lines of them can fill any memory or name
    other files. A document type that only names a DTD (IAM's files may) is harmless: it is never fetched.

    Raises:
        DataError: the file cannot be read, is broken, or declares entities.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    # Zero bytes: UTF-16 and UTF-32 would hide the declarations from this look at the bytes.
    if b"\0" in data or b"<!ENTITY" in data or b"<!DOCTYPE" in _NAMED_DTD.sub(b"", data, count=1):
        raise DataError(f"{path}: XML with entities or a document type of its own is not read (nor UTF-16)")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - see above
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: broken XML: {error}") from error

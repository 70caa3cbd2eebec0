"""XML from elsewhere, parsed without trusting it: one definition for data sets, ink, MathML and pages."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from amanuensis.errors import DataError

_NAMED_DTD = re.compile(r"<!DOCTYPE[^<>\[]*>")


def parse_xml(data: bytes | str, name: str, *, named_dtd: bool = False) -> ElementTree.Element:
    """The root element.

    Entities and document types of the document's own are refused: a few lines of them can fill any memory or name
    other files. Nothing is ever fetched.

    Args:
        data: the document. Bytes are decoded as it declares itself; UTF-16 and UTF-32 are refused, for they would
            hide declarations from a look at the bytes.
        name: what to call it in messages.
        named_dtd: let a document type pass that only names a DTD, as IAM's files may.

    Raises:
        DataError: the document is broken, or declares what is refused.
    """
    looked_at = data if isinstance(data, str) else data.decode("latin-1")
    if named_dtd:
        looked_at = _NAMED_DTD.sub("", looked_at, count=1)
    if "\0" in looked_at or "<!ENTITY" in looked_at or "<!DOCTYPE" in looked_at:
        raise DataError(f"{name}: XML with entities or a document type of its own is not read (nor UTF-16)")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - see above
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{name}: broken XML: {error}") from error

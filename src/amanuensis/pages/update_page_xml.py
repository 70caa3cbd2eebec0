"""A PAGE file with new readings: its text, words and confidences are replaced, everything else stays byte for byte."""

from __future__ import annotations

from collections.abc import Iterable

from amanuensis.errors import DataError
from amanuensis.pages.page_xml import is_page, page_lines, page_regions, text_index
from amanuensis.pages.provenance import SOFTWARE, Provenance
from amanuensis.pages.splicing import Splice
from amanuensis.pages.write_page_xml import metadata_item, text_equivalent, word_element
from amanuensis.pages.xml_files import Element, child, children, namespace
from amanuensis.pages.xml_writing import Ids, add
from amanuensis.records import Page, Region, TextLine

_BEFORE_WORDS = ("AlternativeImage", "Coords", "Baseline")
_WITH_ITEMS = "2019-07-15"  # years before have no MetadataItem


def update_page_xml(data: bytes, page: Page, provenance: Provenance, name: str) -> bytes:
    """The document with the readings of a page that was read from it.

    A line that has no reading keeps what it has. Of several TextEquivs the first is replaced; words are replaced by
    those of the reading; the text of a region, where there is one, by that of its lines. The software and model are
    written into the metadata, in the place of what an earlier reading wrote there.

    Args:
        data: the document, of any year.
        page: its lines have the ids that reading it gave them.
        provenance: what read them.
        name: what to call the document in messages.

    Raises:
        DataError: it is broken, is no PAGE, or has other lines than the page.
    """
    splice = Splice(data, name)
    if not is_page(splice.root):
        raise DataError(f"{name}: no PAGE document")
    elements = page_lines(splice.root)
    lines = {line.id: line for line in page.lines}
    check_same_lines(elements.values(), lines, name)
    read = [element for element, line_id in elements.items() if lines[line_id].reading is not None]
    going = {part for line in read for word in children(line, "Word") for part in word.iter()}
    ids = Ids(
        found for element in splice.root.iter() if element not in going and (found := element.get("id"))
    )
    for element in read:
        _update_line(splice, element, lines[elements[element]], ids)
    _update_regions(splice, page)
    _update_metadata(splice, provenance)
    return splice.result()


def check_same_lines(of_file: Iterable[str], of_page: Iterable[str], name: str) -> None:
    """Refuse to update a file with a page that has other lines: they would be lost.

    Raises:
        DataError: the ids differ.
    """
    in_file, in_page = set(of_file), set(of_page)
    if in_file != in_page:
        raise DataError(
            f"{name}: has {len(in_file)} lines and the page {len(in_page)}, of which {len(in_file & in_page)} are the "
            f"same: it cannot be updated in place, write a new file"
        )


def _update_line(splice: Splice, element: Element, line: TextLine, ids: Ids) -> None:
    assert line.reading is not None
    for old in children(element, "Word"):
        splice.remove(old)
    words = [word_element(word, ids.new(f"{line.id}_w{number}")) for number, word in enumerate(line.words, 1)]
    first = min(children(element, "TextEquiv"), key=text_index, default=None)
    kept = {} if first is None or "index" not in first.attrib else {"index": first.attrib["index"]}
    text = text_equivalent(line.reading.text, line.reading.confidence, **kept)
    if first is not None:
        splice.replace(first, text)
    else:
        words.append(text)
    anchors = list(children(element, *_BEFORE_WORDS))
    if anchors:
        splice.insert_after(anchors[-1], words)
    else:
        splice.insert_first(element, words)


def _update_regions(splice: Splice, page: Page) -> None:
    """The text of regions whose lines were read, where they have a text of their own."""
    element = child(splice.root, "Page")
    assert element is not None
    regions: dict[str, Region] = {region.id: region for region in page.regions}
    for found, region_id in page_regions(element):
        lines = regions[region_id].lines if region_id in regions else ()
        first = min(children(found, "TextEquiv"), key=text_index, default=None)
        if first is None or not any(line.reading for line in lines):
            continue
        kept = {"index": first.attrib["index"]} if "index" in first.attrib else {}
        splice.replace(first, text_equivalent("\n".join(line.text for line in lines), None, **kept))


def _update_metadata(splice: Splice, provenance: Provenance) -> None:
    metadata = child(splice.root, "Metadata")
    if metadata is None:
        return
    changed = child(metadata, "LastChange")
    if changed is not None:
        splice.replace_text(changed, provenance.timestamp)
    if namespace(splice.root).endswith(_WITH_ITEMS):
        _add_item(splice, metadata, provenance)
    else:
        _add_comment(splice, metadata, provenance)


def _add_item(splice: Splice, metadata: Element, provenance: Provenance) -> None:
    items = list(children(metadata, "MetadataItem"))
    ours = [item for item in items if item.get("value", "").startswith(f"{SOFTWARE} ")]
    if ours:
        splice.replace(ours[-1], metadata_item(provenance))
    elif len(metadata):
        splice.insert_after(metadata[-1], [metadata_item(provenance)])


def _add_comment(splice: Splice, metadata: Element, provenance: Provenance) -> None:
    told = f"{provenance.software}: read with {provenance.model}"
    comments = child(metadata, "Comments")
    if comments is not None:
        others = [row for row in (comments.text or "").split("\n") if not row.startswith(f"{SOFTWARE} ")]
        splice.replace_text(comments, "\n".join([*others, told]).lstrip("\n"))
        return
    before = list(children(metadata, "Creator", "Created", "LastChange"))
    if before:
        holder = Element("holder")
        splice.insert_after(before[-1], [add(holder, "Comments", text=told)])

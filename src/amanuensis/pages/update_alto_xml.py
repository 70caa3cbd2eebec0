"""An ALTO file with new readings: its strings are replaced, everything else stays byte for byte."""

from __future__ import annotations

from amanuensis.errors import DataError
from amanuensis.pages.alto_xml import alto_lines, is_alto, measurement_unit, page_elements, pixels_per_unit
from amanuensis.pages.coordinates import box_of
from amanuensis.pages.outlines import line_outline
from amanuensis.pages.provenance import SOFTWARE, Provenance
from amanuensis.pages.splicing import Splice
from amanuensis.pages.update_page_xml import check_same_lines
from amanuensis.pages.write_alto_xml import Scale, processing, strings
from amanuensis.pages.xml_files import Element, child, children, descendants, namespace
from amanuensis.pages.xml_writing import Ids, add
from amanuensis.records import Page, TextLine

_TEXT = ("String", "SP", "HYP")


def update_alto_xml(data: bytes, page: Page, provenance: Provenance, name: str) -> bytes:
    """The document with the readings of a page that was read from it.

    A line that has no reading keeps what it has; of others, all strings are replaced by those of the reading, in the
    document's unit. The software and model are written into the description, in the place of what an earlier reading
    wrote there. Of a document of several pages the other ones stay as they are.

    Args:
        data: the document, of any version.
        page: its lines have the ids that reading it gave them.
        provenance: what read them.
        name: what to call the document in messages.

    Raises:
        DataError: it is broken, is no ALTO, or has other lines than the page.
    """
    splice = Splice(data, name)
    elements = page_elements(splice.root)
    if not is_alto(splice.root) or page.frame >= len(elements):
        raise DataError(f"{name}: no ALTO document with a page {page.frame + 1}")
    element = elements[page.frame]
    inside = set(descendants(element, "TextLine"))
    of_page = {line: line_id for line, line_id in alto_lines(splice.root).items() if line in inside}
    lines = {line.id: line for line in page.lines}
    check_same_lines(of_page.values(), lines, name)
    across, down = pixels_per_unit(splice.root, element, (page.width, page.height), name)
    for found, line_id in of_page.items():
        if lines[line_id].reading is not None:
            _update_line(splice, found, lines[line_id], page, (1 / across, 1 / down))
    _update_description(splice, provenance)
    return splice.result()


def _update_line(splice: Splice, element: Element, line: TextLine, page: Page, scale: Scale) -> None:
    for old in children(element, *_TEXT):
        splice.remove(old)
    new = strings(line, box_of(line_outline(line, page)), scale)
    shape = child(element, "Shape")
    if shape is not None:
        splice.insert_after(shape, new)
    else:
        splice.insert_first(element, new)


def _update_description(splice: Splice, provenance: Provenance) -> None:
    root = splice.root
    ids = Ids(found for element in root.iter() if (found := element.get("ID")))
    description = child(root, "Description")
    ours = [step for step in descendants(root, "Processing", "OCRProcessing") if _is_ours(step)]
    if ours:
        splice.replace(ours[-1], _step(root, provenance, ours[-1].get("ID", "")))
        return
    step = _step(root, provenance, ids.new(f"{SOFTWARE}_1"))
    if description is not None and len(description):
        splice.insert_after(description[-1], [step])
        return
    new = Element("Description")
    add(new, "MeasurementUnit", text=measurement_unit(root))
    new.append(step)
    if description is not None:
        splice.replace(description, new)
    else:
        splice.insert_first(root, [new])


def _is_ours(step: Element) -> bool:
    return any(name.text == SOFTWARE for name in descendants(step, "softwareName"))


def _step(root: Element, provenance: Provenance, name: str) -> Element:
    """As the document's version has it: Processing since 4, before OCRProcessing with a step inside."""
    if namespace(root).endswith("ns-v4#"):
        step = processing(provenance, name)
        _without_category(step)
        return step
    whole = Element("OCRProcessing", {"ID": name})
    step = processing(provenance, "", "ocrProcessingStep")
    _without_category(step)
    whole.append(step)
    return whole


def _without_category(step: Element) -> None:
    """Versions before 4.2 do not know it."""
    category = child(step, "processingCategory")
    assert category is not None
    step.remove(category)

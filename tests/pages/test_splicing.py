from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanuensis.errors import DataError
from amanuensis.pages.splicing import Splice

ODD = (
    "<?xml version='1.0' encoding=\"UTF-8\" ?>\r\n<!-- <b/> > --><?tool a='>'?>\n"
    "<a x = '1>2' y=\"'\"\n   z='&#233;&amp;'><b/><![CDATA[<c>]]><c ></c >é<d\n/><!--e--></a  >\n<!--f-->"
)


def element(tag: str, text: str = "") -> ElementTree.Element:
    new = ElementTree.Element(tag)
    new.text = text
    return new


def test_without_changes_every_byte_stays() -> None:
    for data in (
        ODD.encode(),
        b"\xef\xbb\xbf" + ODD.encode(),
        ODD.replace("UTF-8", "latin-1").encode("latin-1"),
    ):
        assert Splice(data, "x").result() == data


def test_each_change_touches_its_element_alone() -> None:
    splice = Splice(ODD.encode(), "x")
    b, c, d = splice.root
    splice.replace_text(b, "1 < 2")
    splice.replace(c, element("n", "è"))
    splice.remove(d)
    expected = (
        ODD.replace("<b/><![", "<b>1 &lt; 2</b><![").replace("<c ></c >", "<n>è</n>").replace("<d\n/>", "")
    )
    assert splice.result().decode() == expected


def test_new_elements_are_laid_out_like_their_neighbors_and_under_their_prefix() -> None:
    text = '<p:a xmlns:p="u">\n\t<p:b/>\n\t<p:c/>\n</p:a>'
    splice = Splice(text.encode(), "x")
    b, c = splice.root
    splice.insert_after(b, [element("n", "1"), element("m", "2")])
    splice.insert_after(b, [element("o", "3")])
    splice.insert_first(c, [element("q", "4")])
    assert splice.result().decode() == (
        '<p:a xmlns:p="u">\n\t<p:b/>\n\t<p:n>1</p:n>\n\t<p:m>2</p:m>\n\t<p:o>3</p:o>\n\t<p:c><p:q>4</p:q></p:c>\n</p:a>'
    )


def test_the_document_keeps_its_encoding() -> None:
    data = '<?xml version="1.0" encoding="iso-8859-1"?><a>é<b>ü</b></a>'.encode("latin-1")
    splice = Splice(data, "x")
    splice.replace_text(splice.root[0], "ä œ \N{CJK UNIFIED IDEOGRAPH-6587}")
    assert splice.result() == data.replace("ü".encode("latin-1"), "ä &#339; &#25991;".encode("latin-1"))
    assert ElementTree.fromstring(splice.result())[0].text == "ä œ 文"


@pytest.mark.parametrize("text", ["<a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", ""])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"x.xml"):
        Splice(text.encode(), "x.xml")


ANYTHING = st.text(max_size=20)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_any_text_comes_back(first: str, second: str, attribute: str) -> None:
    splice = Splice(b"<a><b>old</b><c/></a>", "x")
    new = element("d", "")
    new.set("e", "".join(c for c in attribute if c.isprintable()))
    splice.replace_text(splice.root[0], first)
    splice.replace_text(splice.root[1], second)
    splice.insert_after(splice.root[1], [new])
    again = ElementTree.fromstring(splice.result())
    allowed = [_allowed(text) for text in (first, second)]
    assert [child.text or "" for child in again[:2]] == allowed
    assert again[2].get("e") == new.get("e")


def _allowed(text: str) -> str:
    """Control characters, lone surrogates and two more are no XML."""
    return "".join(c if _is_allowed(ord(c)) else "\ufffd" for c in text)


def _is_allowed(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF

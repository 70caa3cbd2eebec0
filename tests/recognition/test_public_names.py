from __future__ import annotations

import pytest

import amanuensis


@pytest.mark.parametrize("name", amanuensis.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(amanuensis, name) is not None
    assert name in dir(amanuensis)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Recogniser"):
        amanuensis.Recogniser  # noqa: B018

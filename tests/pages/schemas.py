"""The schemas of PAGE and ALTO, which lie outside of the repository: tests that need them skip where they do not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

_DEFAULT = Path(__file__).parents[3] / "shared" / "schemas"


def errors_of(data: bytes, schema: str) -> list[str]:
    """What is wrong with a document by a schema ("page-2019-07-15", "alto-4-4"); [] if it is valid."""
    etree = pytest.importorskip("lxml.etree", reason="lxml is not installed")
    folder = Path(os.environ.get("AMANUENSIS_SCHEMAS", _DEFAULT))
    path = folder / f"{schema}.xsd"
    if not path.is_file():
        pytest.skip(f"no schemas in {folder}: set AMANUENSIS_SCHEMAS")
    found = _schema(etree, path)
    found.validate(etree.fromstring(data))
    return [f"{error.line}: {error.message}" for error in found.error_log]


def _schema(etree: Any, path: Path) -> Any:
    class Offline(etree.Resolver):  # type: ignore[misc]
        """What a schema imports lies beside it."""

        def resolve(self, url: str, _public: str, context: Any) -> Any:
            return self.resolve_filename(str(path.parent / url.rpartition("/")[2]), context)

    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Offline())
    return etree.XMLSchema(etree.parse(str(path), parser))

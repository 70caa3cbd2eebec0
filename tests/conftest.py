from pathlib import Path

import pytest

from tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model whose reading is known: see `tiny_model.draw`."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")

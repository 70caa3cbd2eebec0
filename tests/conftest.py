import os
from pathlib import Path

import hypothesis
import pytest

from tiny_model import write_tiny_model

# Whoever works on the code meets new examples every time; a landing should not fail for one that it did not bring.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model whose reading is known: see `tiny_model.draw`."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")

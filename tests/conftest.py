import os
from pathlib import Path

import hypothesis
import pytest

from tiny_model import write_tiny_model

# Whoever works on the code meets new examples every time; a landing should not fail for one that it did not bring. How
# long an example takes says nothing where other tests have the same cores.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model whose reading is known: see `tiny_model.draw`."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")

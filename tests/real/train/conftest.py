from pathlib import Path

import pytest

from lepton.spec.data import Data
from lepton.train.data.prepare import prepare


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared digits."""
    directory = tmp_path_factory.mktemp("digits") / "data"
    return prepare(Data(uri="sklearn://digits"), directory, lambda _: None).directory

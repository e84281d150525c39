from pathlib import Path

import pytest

from lepton.train.data.prepare import prepare
from tests.real.compress.recipes import SPEC, trained


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The prepared digits, and a network that knows them."""
    root = tmp_path_factory.mktemp("digits")
    prepare(SPEC.data, root / "data", lambda _: None)
    trained(root / "data", root / "trained")
    return root / "data", root / "trained"

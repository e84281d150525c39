"""What several of the tests of data begin with."""

from pathlib import Path

import pytest

from tests.unit.data.pictures import image_folder


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return image_folder(tmp_path / "pets", {"cats": 20, "dogs": 30})

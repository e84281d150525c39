"""What the served model itself refuses to load. With the real server: tests/real/serving."""

from pathlib import Path

import pytest

from lepton.artifact import write_digest
from services.server import seal


@pytest.fixture
def sealed(tmp_path: Path) -> tuple[Path, str]:
    """The model's folder in an artifact, and the artifact's digest."""
    model = tmp_path / "repository" / "model"
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text("config")
    (model / "1" / "model.onnx").write_text("weights")
    return model, write_digest(tmp_path)


def test_what_was_sealed_is_served_even_through_a_link(sealed, tmp_path):
    model, digest = sealed
    (tmp_path / "link").symlink_to(model)
    seal.check((tmp_path / "link").resolve(), digest)


DAMAGE = {
    "a missing file": (lambda model: (model / "1/model.onnx").unlink(), "model.onnx is missing or not what was sealed"),
    "other settings": (
        lambda model: (model / "config.pbtxt").write_text("other"),
        "config.pbtxt is missing or not what was sealed",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_refused_and_the_file_named(sealed, damage):
    model, digest = sealed
    do, words = DAMAGE[damage]
    do(model)
    with pytest.raises(RuntimeError, match=words):
        seal.check(model, digest)


def test_files_sealed_anew_are_not_those_that_were_asked_for(sealed, tmp_path):
    model, digest = sealed
    (model / "1" / "model.onnx").write_text("other weights")
    write_digest(tmp_path)
    with pytest.raises(RuntimeError, match="is not the digest sha256:"):
        seal.check(model, digest)

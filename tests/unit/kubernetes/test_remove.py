"""What the cleanup of a deleted model removes, and what it says where it can't."""

import sys
from pathlib import Path

import pytest

from lepton.report import Failure
from lepton.spec.reasons import Reason
from services import lastwords
from services.worker import remove


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "termination-log"
    monkeypatch.setattr(lastwords, "LAST_WORDS", place)
    return place


def run(monkeypatch: pytest.MonkeyPatch, *urls: str) -> int:
    monkeypatch.setattr(sys, "argv", ["remove", *urls])
    return remove.main()


def test_the_folders_of_the_model_go_and_those_of_others_stay(
    tmp_path: Path, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in ("pets", "pets-2"):
        (tmp_path / "artifacts" / "zoo" / model / "build" / "repository").mkdir(parents=True)
        (tmp_path / "artifacts" / "zoo" / model / "build" / "digest").write_text("seal")
        (tmp_path / "work" / "zoo" / model).mkdir(parents=True)
    asked = (f"file://{tmp_path}/artifacts/zoo/pets", f"{tmp_path}/work/zoo/pets", f"{tmp_path}/work/zoo/never-there")
    assert run(monkeypatch, *asked) == 0
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/zoo/*"))
    assert (left, words.exists()) == (["artifacts/zoo/pets-2", "work/zoo/pets-2"], False)


def test_a_store_that_can_not_be_used_is_told_in_the_termination_message(
    words: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "nowhere://models/zoo/pets") == 1
    failure = Failure.model_validate_json(words.read_bytes())
    assert failure.reason is Reason.STORE_UNWRITABLE
    assert failure.message in capsys.readouterr().err

"""How the progress of workers in other processes is handed on."""

from pathlib import Path

import pytest

from lepton.errors import LeptonError
from lepton.report import Progress
from lepton.spec.reasons import Reason
from lepton.train import workers

FULL = LeptonError(Reason.DISK_FULL, "no space left")


def progress(message: str) -> Progress:
    return Progress(stage="train", message=message)


def write(path: Path, message: str) -> None:
    path.write_text(progress(message).model_dump_json())


def no_space(_: Progress) -> None:
    raise FULL


def test_the_last_word_is_handed_on_even_when_the_block_ends_at_once(tmp_path: Path) -> None:
    said: list[Progress] = []
    write(tmp_path / "progress.json", "of an earlier run")
    with workers._Tail(tmp_path / "progress.json", said.append):
        write(tmp_path / "progress.json", "epoch 1")
    assert said == [progress("epoch 1")]


def test_what_the_listener_raises_is_raised_when_the_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_SECONDS_BETWEEN_LOOKS", 0.001)
    tail = workers._Tail(tmp_path / "progress.json", no_space)
    with pytest.raises(LeptonError) as raised, tail:
        write(tmp_path / "progress.json", "epoch 1")
        tail.join(5)
        assert not tail.is_alive()
    assert raised.value is FULL


def test_what_the_block_itself_raises_comes_first(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="workers"), workers._Tail(tmp_path / "progress.json", no_space):
        write(tmp_path / "progress.json", "epoch 1")
        raise KeyError("workers")

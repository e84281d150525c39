"""How a container of ours that serves comes to its end."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from lepton.errors import LeptonError
from lepton.report import Failure
from lepton.spec.reasons import Reason
from services import lastwords

FAILURE = Failure(reason=Reason.SERVER_UNAVAILABLE, message="Ray ended")


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "termination-log"
    monkeypatch.setattr(lastwords, "LAST_WORDS", place)
    return place


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_told_to_stop_ends_in_order_and_leaves_no_words(words: Path, number: signal.Signals) -> None:
    ended: list[bool] = []

    async def serve(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), number)
        await stop.wait()
        ended.append(True)

    assert (lastwords.served(serve), ended, words.exists()) == (0, [True], False)


def test_why_it_failed_is_left_for_the_operator(words: Path) -> None:
    async def serve(_: asyncio.Event) -> None:
        raise LeptonError(FAILURE.reason, FAILURE.message)

    assert lastwords.served(serve) == 1
    assert Failure.model_validate_json(words.read_text()) == FAILURE


@pytest.mark.parametrize("log", ["x" * 10_000, "\x00" * 10_000, "ö" * 10_000])
def test_of_a_long_message_as_much_is_left_as_the_kubelet_keeps(words: Path, log: str) -> None:
    lastwords.tell(LeptonError(Reason.SERVER_UNAVAILABLE, f"Triton ended:\n{log}\nno memory"))
    left = Failure.model_validate_json(words.read_bytes())
    assert words.stat().st_size <= 4096
    assert (left.message.startswith("Triton ended:"), left.message.endswith("no memory")) == (True, True)

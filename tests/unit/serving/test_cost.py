"""How the gate counts time and energy, on this very process and on files as the kernel writes them."""

import os
import time
from pathlib import Path

import pytest

from lepton.errors import LeptonError
from lepton.gate import cost
from lepton.spec.reasons import Reason

MINE = {"one": cost.clock_of_process(os.getpid())}


@pytest.fixture(autouse=True)
def _short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "ROUND_SECONDS", 0.05)


def counter(folder: Path, name: str, microjoules: int) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{microjoules}\n")
    (folder / name / "max_energy_range_uj").write_text("1000000\n")


def test_energy_is_that_of_all_packages_and_survives_a_counter_that_wraps(tmp_path):
    counter(tmp_path, "intel-rapl:0", 999_990)
    counter(tmp_path, "intel-rapl:1", 0)
    counter(tmp_path, "intel-rapl:0:0", 0)  # a part of package 0
    asked = []

    def ask(number: int) -> None:
        asked.append(number)
        counter(tmp_path, "intel-rapl:0", (999_990 + 10 * len(asked)) % 1_000_000)
        counter(tmp_path, "intel-rapl:1", 5 * len(asked))

    spent = cost.costs({"one": ask}, MINE, tmp_path)["one"]
    assert spent.joules == pytest.approx(15e-6 * 1000)


def test_a_machine_that_tells_no_energy_gives_none(tmp_path):
    assert cost.costs({"one": lambda number: None}, MINE, tmp_path)["one"].joules is None


def test_the_processor_time_of_the_server_is_counted_per_thousand_answers(tmp_path):
    def busy_for_a_millisecond(number: int) -> None:
        end = time.process_time() + 0.001
        while time.process_time() < end:
            pass

    spent = cost.costs({"one": busy_for_a_millisecond}, MINE, tmp_path)["one"]
    assert spent.cpu_seconds == pytest.approx(1.0, rel=0.5)


def test_a_server_that_has_ended_is_a_failure_that_is_tried_again(tmp_path):
    nobody = 2**22 + 1  # above the largest pid of Linux
    with pytest.raises(LeptonError, match="ended during the proof") as failure:
        cost.costs({"one": lambda number: None}, {"one": cost.clock_of_process(nobody)}, tmp_path)
    assert failure.value.reason is Reason.SERVER_UNAVAILABLE


def test_what_is_compared_is_asked_in_turns_and_each_warms_up_first():
    asked: list[str] = []
    measured = cost.latencies({name: lambda number, name=name: asked.append(name) for name in ("a", "b")})
    turns = ["a"] * cost.TURN + ["b"] * cost.TURN
    assert asked == ["a"] * cost.WARM_UP + ["b"] * cost.WARM_UP + turns * (cost.REQUESTS // cost.TURN)
    assert set(measured) == {"a", "b"}
    assert 0 < measured["a"].p50_ms <= measured["a"].p99_ms

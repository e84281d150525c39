from collections.abc import Iterator

import pytest
import torch

from lepton.spec.train import Train
from lepton.train.group import Group
from lepton.train.setup import most_threads
from lepton.train.threads import choose_threads

ALONE = Group(0, 1, torch.device("cpu"))

CASES = {
    "a small network that gains little from more threads keeps one": ({1: 0.004, 2: 0.003}, 1),
    "a small network that is slowed down by more threads keeps one": ({1: 0.004, 2: 0.200}, 1),
    "a network that gains much takes all": ({1: 0.040, 2: 0.021}, 2),
    "a large network takes all, unmeasured": ({1: 5.0}, 2),
}


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("case", CASES)
def test_the_threads_are_what_pays(case: str) -> None:
    seconds, expected = CASES[case]
    assert choose_threads(lambda: seconds[torch.get_num_threads()], 2, ALONE) == expected
    assert torch.get_num_threads() == expected


def test_one_core_is_not_measured() -> None:
    assert choose_threads(lambda: 1 / 0, 1, ALONE) == 1


def test_workers_share_what_a_container_may_use_unless_each_is_given_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # stands for the limit of a container on a machine with more
    assert [most_threads(Train(workers=workers)) for workers in (1, 2)] == [1, 1]
    assert most_threads(Train.model_validate({"workers": 2, "resources": {"cpu": 4}})) == 4

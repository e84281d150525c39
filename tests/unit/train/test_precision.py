from collections.abc import Callable

import pytest
import torch

from lepton.report import Precision
from lepton.train.group import Group
from lepton.train.precision import COMPILE_SECONDS, Step, choose_precision

ALONE = Group(0, 1, torch.device("cpu"))


def row(precision: str, channels_last: bool, compiled: bool, speed: float, chosen: bool = False) -> Precision:
    return Precision(
        precision=precision,
        channels_last=channels_last,
        compiled=compiled,
        images_per_second=speed,
        chosen=chosen,
    )


def machine(seconds: dict[tuple[str, bool, bool], float], taken: list[float]) -> Callable[[Precision], Step]:
    """A machine on which a step takes as long as is said; all that is measured is added to taken."""

    def trial(candidate: Precision) -> Step:
        key = (candidate.precision, candidate.channels_last, candidate.compiled)

        def step() -> float:
            taken.append(seconds[key])
            return seconds[key]

        return step

    return trial


MACHINE = {
    ("float32", True, False): 0.1,
    ("float32", False, False): 0.2,
    ("bfloat16", True, False): 0.05,
    ("bfloat16", False, False): 0.4,
    ("bfloat16", True, True): 0.025,
}


def test_the_fastest_candidate_is_chosen_and_all_are_reported() -> None:
    assert choose_precision("auto", machine(MACHINE, []), 1_000, 10, ALONE) == (
        row("float32", True, False, 100.0),
        row("bfloat16", True, False, 200.0, chosen=True),
        row("float32", False, False, 50.0),
        row("bfloat16", False, False, 25.0),
    )


@pytest.mark.parametrize("setting", ["float32", "bfloat16"])
def test_a_precision_that_was_asked_for_is_kept(setting: str) -> None:
    chosen = choose_precision(setting, machine(MACHINE, []), 1_000, 10, ALONE)
    assert {candidate.precision for candidate in chosen} == {setting}
    assert [candidate.channels_last for candidate in chosen if candidate.chosen] == [True]


def test_a_tie_goes_to_float32() -> None:
    tie = {**MACHINE, ("bfloat16", True, False): 0.097}
    chosen = choose_precision("auto", machine(tie, []), 1_000, 10, ALONE)
    assert next(candidate for candidate in chosen if candidate.chosen) == row("float32", True, False, 100.0, True)


def test_where_measuring_would_cost_more_than_it_may_the_safe_choice_is_taken() -> None:
    taken: list[float] = []
    chosen = choose_precision("auto", machine(dict.fromkeys(MACHINE, 10.0), taken), 20, 10, ALONE)
    assert chosen == (row("float32", True, False, 1.0, chosen=True),)
    assert sum(taken) == 20.0


def test_where_there_is_time_for_some_only_the_promising_are_measured() -> None:
    chosen = choose_precision("auto", machine({key: 10 * MACHINE[key] for key in MACHINE}, []), 140, 10, ALONE)
    assert chosen == (row("float32", True, False, 10.0), row("bfloat16", True, False, 20.0, chosen=True))


@pytest.mark.parametrize("steps", [100, 1_000, 10_000, 100_000, 1_000_000])
def test_measuring_takes_a_few_percent_of_the_planned_work_at_most(steps: int) -> None:
    taken: list[float] = []
    choose_precision("auto", machine(MACHINE, taken), steps, 10, ALONE)
    assert sum(taken) <= max(2.0, 0.05 * 0.1 * steps)


def test_compilation_is_not_even_tried_where_it_can_not_pay() -> None:
    taken: list[float] = []
    steps = int(COMPILE_SECONDS / 0.03 / 0.05) - 1
    chosen = choose_precision("auto", machine(MACHINE, taken), steps, 10, ALONE)
    assert not any(candidate.compiled for candidate in chosen)
    assert 0.025 not in taken


def test_compilation_is_taken_where_it_pays() -> None:
    steps = int(COMPILE_SECONDS / 0.03 / 0.05) + 1
    chosen = choose_precision("auto", machine(MACHINE, []), steps, 10, ALONE)
    assert chosen[-1] == row("bfloat16", True, True, 400.0, chosen=True)


def test_a_network_that_can_not_be_compiled_is_trained_without() -> None:
    plain = machine(MACHINE, [])

    def trial(candidate: Precision) -> Step:
        if not candidate.compiled:
            return plain(candidate)

        def broken() -> float:
            raise RuntimeError("no C++ compiler")

        return broken

    chosen = choose_precision("auto", trial, 1_000_000, 10, ALONE)
    assert next(candidate for candidate in chosen if candidate.chosen) == row("bfloat16", True, False, 200.0, True)

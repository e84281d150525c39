"""Chooses precision, memory format and compilation by measuring steps of the real network on a real batch.

Called by the training loop before the first epoch, on every worker alike. The measurement takes a few percent of the
planned work at most; where even that is too much, a safe choice is made.
"""

from collections.abc import Callable
from typing import Literal

from lepton.errors import LeptonError
from lepton.report import Precision
from lepton.train.group import Group

COMPILE_SECONDS = 60.0
"""What torch.compile takes for a small ResNet on two cores: it is tried only where that is lost in the planned work."""
_SHARE_FOR_MEASURING = 0.03
_SECONDS_FOR_MEASURING = 1.0
_ROUNDS = 5
_WARMING_STEPS = 2
_HOPELESS = 2.0
_WORTH_LESS_PRECISION = 0.95
"""Ratio of times below which bfloat16 is taken rather than float32: a tie goes to the more precise."""

SAFE = Precision(precision="float32", channels_last=True, compiled=False, images_per_second=0)
"""What is right everywhere and seldom slow."""

Step = Callable[[], float]
"""Takes one step of learning and returns the seconds it took."""


def choose_precision(
    setting: Literal["auto", "float32", "bfloat16"],
    trial: Callable[[Precision], Step],
    steps: int,
    batch_size: int,
    group: Group,
) -> tuple[Precision, ...]:
    """Every candidate that was measured, exactly one of them chosen; the same on every worker.

    steps is the number planned, batch_size the examples in one over all workers.
    """
    candidates = _candidates(setting)
    first = trial(candidates[0])
    first()
    step_seconds = _agreed([first()], group)[0]
    budget = max(_SECONDS_FOR_MEASURING, _SHARE_FOR_MEASURING * steps * step_seconds)
    candidates = candidates[: int(budget / (_WARMING_STEPS * step_seconds))]
    if len(candidates) < 2:
        return (_said(_candidates(setting)[0], step_seconds, batch_size, chosen=True),)
    rounds = min(_ROUNDS, int(budget / (step_seconds * len(candidates))) - _WARMING_STEPS)
    runs = [first, *(trial(candidate) for candidate in candidates[1:])]
    seconds = _measure(runs, rounds, group)
    candidates, seconds = _with_compiled(candidates, seconds, trial, steps, group)
    best = _fastest(candidates, seconds)
    return tuple(
        _said(candidate, second, batch_size, chosen=candidate is best)
        for candidate, second in zip(candidates, seconds, strict=True)
    )


def _candidates(setting: Literal["auto", "float32", "bfloat16"]) -> list[Precision]:
    """What may be chosen, the more promising first; the very first is taken where there is no time to measure."""
    both: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16") if setting == "auto" else (setting,)
    return [
        SAFE.model_copy(update={"precision": precision, "channels_last": channels_last})
        for channels_last in (True, False)
        for precision in both
    ]


def _measure(runs: list[Step], rounds: int, group: Group) -> list[float]:
    """Seconds of one step of each, the least of some rounds; side by side, because the machine has other work too."""
    for run in runs:
        run()
    best = _agreed([run() for run in runs], group)
    promising = [index for index, second in enumerate(best) if second < _HOPELESS * min(best)]
    for _ in range(rounds):
        for index in promising:
            best[index] = min(best[index], runs[index]())
    return _agreed(best, group)


def _with_compiled(
    candidates: list[Precision], seconds: list[float], trial: Callable[[Precision], Step], steps: int, group: Group
) -> tuple[list[Precision], list[float]]:
    """Adds the fastest candidate compiled, where the time to compile is small against the planned work."""
    best = _fastest(candidates, seconds)
    planned = min(seconds) * steps
    if _SHARE_FOR_MEASURING * planned < COMPILE_SECONDS:
        return candidates, seconds
    compiled = best.model_copy(update={"compiled": True})
    try:
        run = trial(compiled)
        spent = run()
        second = min(run() for _ in range(_ROUNDS))
    except (RuntimeError, LeptonError):  # no C++ compiler here, or a network that can't be compiled
        spent = second = float("inf")
    spent, second = _agreed([spent, second], group)
    if second * steps + spent >= planned:
        return candidates, seconds
    return [*candidates, compiled], [*seconds, second]


def _fastest(candidates: list[Precision], seconds: list[float]) -> Precision:
    def cost(index: int) -> float:
        return seconds[index] * (1.0 if candidates[index].precision == "bfloat16" else _WORTH_LESS_PRECISION)

    return candidates[min(range(len(candidates)), key=cost)]


def _agreed(seconds: list[float], group: Group) -> list[float]:
    """The means over all workers."""
    return [total / group.size for total in group.total(seconds)]


def _said(candidate: Precision, seconds: float, batch_size: int, *, chosen: bool) -> Precision:
    return candidate.model_copy(update={"images_per_second": round(batch_size / seconds, 1), "chosen": chosen})

"""Chooses the threads of a step by measurement: a small network gains little from more, and loses much when disturbed.

Threads that wait for each other after every small layer lose whole time slices as soon as another process wants one of
their cores (measured: a step of 4 ms on one thread, 3 ms on two, and 80 to 200 ms on two beside one busy process).
"""

import torch

from lepton.train.group import Group
from lepton.train.precision import Step

_LARGE_STEP_SECONDS = 0.05
"""From here on the layers are large enough for all cores, and measuring would take long."""
_WORTH_MORE_THREADS = 1.5
_STEPS = 5


def choose_threads(step: Step, most: int, group: Group) -> int:
    """The number of threads for steps like this, 1 to most, the same on every worker; it is set."""
    if most == 1:
        torch.set_num_threads(1)
        return 1
    alone = _seconds(step, 1, group)
    if alone < _LARGE_STEP_SECONDS:
        together = _seconds(step, most, group)
        most = most if alone / together >= _WORTH_MORE_THREADS else 1
    torch.set_num_threads(most)
    return most


def _seconds(step: Step, threads: int, group: Group) -> float:
    """Mean over some steps and all workers, for a mean feels disturbances; a large step is taken once."""
    torch.set_num_threads(threads)
    step()
    first = group.total([step()])[0] / group.size
    if first >= _LARGE_STEP_SECONDS:
        return first
    return group.total([sum(step() for _ in range(_STEPS)) / _STEPS])[0] / group.size

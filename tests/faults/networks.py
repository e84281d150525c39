"""Networks of a user's own that are trouble, for `model.module`; the worker imports them from the clone."""

import time

from torch import nn


def linear(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    """A good one whose module talks."""
    print("\033[31mmy module talks\033[0m [bold]{}[/bold]\n" * 50, flush=True)  # noqa: T201 - as users do
    channels, height, width = input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))


def raises(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    raise RuntimeError("there is a mistake\nin this module")


def sleeps(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    """Training that does not end."""
    time.sleep(3600)
    raise AssertionError("nobody waits for so long")

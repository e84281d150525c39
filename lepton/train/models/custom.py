"""A network of the user's own: imports `package.module:function`, calls it and proves that what it gives fits.

Called by the registry. Whatever the user's code does wrong becomes MODEL_INVALID with a sentence, never a traceback.
"""

import importlib
from collections.abc import Callable, Mapping

import torch
from pydantic import JsonValue
from torch import nn

from lepton.errors import LeptonError, first_line
from lepton.spec.reasons import Reason
from lepton.train.memory import lacks_memory


def custom(
    path: str, parameters: Mapping[str, JsonValue], num_classes: int, input_shape: tuple[int, int, int]
) -> nn.Module:
    """The network that function `path` returns; input_shape is (channels, height, width).

    Raises LeptonError with MODEL_INVALID; a lack of memory stays what it is.
    """
    function = _find(path)
    try:
        network = function(num_classes=num_classes, input_shape=input_shape, **parameters)
    except (Exception, SystemExit) as error:  # the user's own code may raise anything, and even try to leave
        if lacks_memory(error):
            raise
        raise _invalid(f"{path} failed with {_said(error)}") from error
    if not isinstance(network, nn.Module):
        raise _invalid(f"{path} must return a torch.nn.Module, not {type(network).__name__}")
    _probe(path, network, num_classes, input_shape)
    return network


def _find(path: str) -> Callable[..., object]:
    module_name, _, name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # importing runs the user's own code
        hint = "is it on PYTHONPATH of the process that trains?"
        raise _invalid(f"module {module_name} can't be imported ({_said(error)}); {hint}") from error
    function: object = getattr(module, name, None)
    if not callable(function):
        what = "has nothing called" if function is None else "holds something that can't be called:"
        raise _invalid(f"module {module_name} {what} {name}")
    return function


class Watched(nn.Module):
    """A network of the user's own as it learns: what its code does wrong in a step is told as in the proof before."""

    def __init__(self, path: str, network: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.network = network
        self._path = path
        self._num_classes = num_classes

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The network's logits. Raises LeptonError with MODEL_INVALID; a lack of memory stays what it is.

        While the network only answers it is not compiled, which would cost more than it gains.
        """
        call = self.network if self.network.training else self.network.forward
        when = " while it learns" if self.network.training else ""
        return _logits(self._path, call, images, self._num_classes, when)


def _probe(path: str, network: nn.Module, num_classes: int, input_shape: tuple[int, int, int]) -> None:
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            _logits(path, network, torch.zeros(2, *input_shape), num_classes)
    finally:
        network.train(training)


def _logits(
    path: str, call: Callable[[torch.Tensor], object], images: torch.Tensor, num_classes: int, when: str = ""
) -> torch.Tensor:
    what = f"the network of {path}"
    try:
        logits = call(images)
    except (Exception, SystemExit) as error:  # the user's own code may raise anything, and even try to leave
        if lacks_memory(error):
            raise
        raise _invalid(f"{what} failed{when} on images {tuple(images.shape)} with {_said(error)}") from error
    wanted = (len(images), num_classes)
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if not isinstance(logits, torch.Tensor) or found != wanted:
        raise _invalid(f"{what} must give logits of shape {wanted} for {wanted[0]} images{when}, not {found}")
    if not logits.is_floating_point():
        raise _invalid(f"{what} must give floating point logits{when}, not {logits.dtype}")
    return logits


def _said(error: BaseException) -> str:
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"


def _invalid(problem: str) -> LeptonError:
    return LeptonError(Reason.MODEL_INVALID, f"model.module: {problem}")

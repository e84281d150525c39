"""A network of the user's own: imports `package.module:function`, calls it and proves that what it gives fits.

Called by the registry. Whatever the user's code does wrong becomes MODEL_INVALID with a sentence, never a traceback.
"""

import importlib
from collections.abc import Callable, Mapping

import torch
from pydantic import JsonValue
from torch import nn

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason


def custom(
    path: str, parameters: Mapping[str, JsonValue], num_classes: int, input_shape: tuple[int, int, int]
) -> nn.Module:
    """The network that function `path` returns; input_shape is (channels, height, width)."""
    function = _find(path)
    try:
        network = function(num_classes=num_classes, input_shape=input_shape, **parameters)
    except (Exception, SystemExit) as error:  # the user's own code may raise anything, and even try to leave
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


def _probe(path: str, network: nn.Module, num_classes: int, input_shape: tuple[int, int, int]) -> None:
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            logits = network(torch.zeros(2, *input_shape))
    except (Exception, SystemExit) as error:  # the user's own code may raise anything, and even try to leave
        raise _invalid(f"the network of {path} failed on images {(2, *input_shape)} with {_said(error)}") from error
    finally:
        network.train(training)
    wanted = (2, num_classes)
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != wanted:
        raise _invalid(f"the network of {path} must give logits of shape {wanted} for two images, not {found}")
    if not logits.is_floating_point():
        raise _invalid(f"the network of {path} must give floating point logits, not {logits.dtype}")


def _said(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _invalid(problem: str) -> LeptonError:
    return LeptonError(Reason.MODEL_INVALID, f"model.module: {problem}")

"""What a killed fit goes on from: weights, optimizer state and the epochs so far, in one safetensors file.

Written after each epoch by rank 0, read by every worker. No random state is kept: all that is random in an epoch is
seeded by (seed, epoch, rank). Nothing is pickled.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from lepton.files import write_atomically
from lepton.report import Epoch, Precision
from lepton.spec.fields import Section

LAST = "last.safetensors"
BEST = "best.safetensors"


class Past(Section):
    """The epochs that are done."""

    epochs: tuple[Epoch, ...] = ()
    precision: tuple[Precision, ...] = ()

    @property
    def best(self) -> Epoch:
        """The epoch with the best validation accuracy, of equals the latest."""
        return max(self.epochs, key=lambda row: (row.accuracy, row.epoch))

    def stale(self) -> int:
        """Epochs since the validation accuracy last rose."""
        accuracies = [row.accuracy for row in self.epochs]
        return len(accuracies) - 1 - accuracies.index(max(accuracies)) if accuracies else 0


def write(directory: Path, past: Past, net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Keep where the fit stands; the best epoch's weights are kept beside it. Raises LeptonError when the disk is full.

    The best weights come first: a kill between the two writes only repeats this epoch, with the same outcome.
    """
    weights = {name: _copy(tensor) for name, tensor in net.state_dict().items()}
    if past.best.epoch == len(past.epochs):
        write_atomically(directory / BEST, save(weights))
    state = {f"net.{name}": tensor for name, tensor in weights.items()}
    for index, parameter in enumerate(_parameters(optimizer)):
        for slot, value in optimizer.state[parameter].items():
            if isinstance(value, torch.Tensor):
                state[f"optimizer.{index}.{slot}"] = _copy(value)
    write_atomically(directory / LAST, save(state, {"past": past.model_dump_json()}))


def read(directory: Path, net: nn.Module, optimizer: torch.optim.Optimizer) -> Past | None:
    """Put net and optimizer where the fit stood; None, and nothing changed, when it has not finished an epoch."""
    path = directory / LAST
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        past = Past.model_validate_json(file.metadata()["past"])
        names = list(file.keys())
        net.load_state_dict({n.removeprefix("net."): file.get_tensor(n) for n in names if n.startswith("net.")})
        parameters = _parameters(optimizer)
        for name in names:
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                index, slot = rest.split(".")
                optimizer.state[parameters[int(index)]][slot] = _like(parameters[int(index)], file.get_tensor(name))
    return past


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _like(parameter: nn.Parameter, saved: torch.Tensor) -> torch.Tensor:
    """The saved state on the parameter's device and in its memory format, which the fused optimizers rely on."""
    if saved.shape != parameter.shape:
        return saved.to(parameter.device)
    return torch.empty_like(parameter, dtype=saved.dtype).copy_(saved).detach()


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """A copy that shares memory with nothing and is contiguous, as safetensors demands."""
    return tensor.detach().to("cpu", memory_format=torch.contiguous_format, copy=True)

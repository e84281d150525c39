"""Weights on disk as safetensors: no pickle, written at once or not at all.

A pruned network is rebuilt from its spec and such a file: the layers take the shapes that the file holds.
Called by training and compression. Never decides which network a file belongs to.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import nn

from lepton.errors import LeptonError
from lepton.files import write_atomically
from lepton.spec.reasons import Reason


def save(net: nn.Module, path: Path) -> None:
    """Write the state of net to path. Raises LeptonError with DISK_FULL or STORE_UNWRITABLE; path is then as before."""
    # Copies, because safetensors refuses tensors that share memory (tied weights) or are not contiguous.
    tensors = {
        name: tensor.detach().to("cpu", memory_format=torch.contiguous_format, copy=True)
        for name, tensor in net.state_dict().items()
    }
    write_atomically(path, serialise(tensors))


def load(net: nn.Module, path: Path) -> None:
    """Fill net from path in place, after giving its layers the shapes found there (fewer channels where pruned).

    Raises LeptonError: ARTIFACT_CORRUPT for a missing or broken file, MODEL_INVALID for the weights of another network.
    """
    tensors = _read(path)
    _same_names(net, tensors, path)
    for name, module in net.named_modules():
        prefix = f"{name}." if name else ""
        if isinstance(module, nn.Conv2d | nn.Linear) and _is_smaller(tensors[f"{prefix}weight"], module.weight):
            _resize(module, tensors[f"{prefix}weight"])
        elif isinstance(module, nn.BatchNorm2d) and f"{prefix}running_mean" in tensors:
            module.num_features = tensors[f"{prefix}running_mean"].shape[0]
        else:
            continue
        _reshape_tensors(module, prefix, tensors)
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise _another_network(path, str(error).splitlines()[-1].strip()) from error


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        return parse(path.read_bytes())
    except OSError as error:
        problem = f"weights {path} can't be read ({error.strerror})"
        raise LeptonError(Reason.ARTIFACT_CORRUPT, f"{problem}: delete the folder to have them made anew") from error
    except SafetensorError as error:
        problem = f"weights {path} are damaged or half-written ({error})"
        raise LeptonError(Reason.ARTIFACT_CORRUPT, f"{problem}: delete the folder to have them made anew") from error


def _same_names(net: nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    wanted, found = set(net.state_dict()), set(tensors)
    if wanted != found:
        lacks = f"it lacks {min(wanted - found)}" if wanted - found else ""
        strange = f"it holds {min(found - wanted)}, which the network does not have" if found - wanted else ""
        raise _another_network(path, " and ".join(filter(None, (lacks, strange))))


def _another_network(path: Path, problem: str) -> LeptonError:
    remedy = "use the weights with the model section that they were trained with"
    return LeptonError(Reason.MODEL_INVALID, f"weights {path} belong to another network: {problem}; {remedy}")


def _is_smaller(stored: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether pruning may have made stored of weight: no more channels, the same kernel."""
    fits = stored.ndim == weight.ndim and stored.shape[2:] == weight.shape[2:]
    return fits and stored.shape != weight.shape and all(map(int.__le__, stored.shape, weight.shape))


def _resize(module: nn.Conv2d | nn.Linear, weight: torch.Tensor) -> None:
    outputs, inputs = weight.shape[:2]
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = outputs, inputs
        return
    if module.groups > 1 and module.in_channels == module.groups:
        # Depthwise: a channel that goes takes its group with it. Elsewhere the number of groups stays.
        module.groups = outputs * module.groups // module.out_channels
    module.out_channels, module.in_channels = outputs, inputs * module.groups


def _reshape_tensors(module: nn.Module, prefix: str, tensors: dict[str, torch.Tensor]) -> None:
    for name, held in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
        stored = tensors.get(prefix + name)
        if stored is None or stored.shape == held.shape:
            continue
        fresh = held.new_empty(stored.shape)
        trains = held.requires_grad
        setattr(module, name, nn.Parameter(fresh, requires_grad=trains) if isinstance(held, nn.Parameter) else fresh)

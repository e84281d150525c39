"""Keeps narrow networks away from oneDNN's convolutions where these write beyond their memory. The learner asks it.

Seen with torch 2.13 on a CPU that has AVX2 and no AVX-512: backward through convolutions of two to six channels damages
the heap, in either memory format, and the process dies of it sooner or later. PyTorch's own convolutions do not.
"""

import torch
from torch import nn

_NARROWEST = 8
_SOUND = "AVX512"


def is_sound_for(net: nn.Module, capability: str) -> bool:
    """Whether oneDNN may compute the network on a CPU of this capability, as torch names it."""
    widths = (one.out_channels for one in net.modules() if isinstance(one, nn.Conv2d))
    return capability.startswith(_SOUND) or all(width >= _NARROWEST for width in widths)


def choose_onednn(net: nn.Module) -> None:
    """Switch oneDNN on or off in this process, as is right for the network."""
    sound = is_sound_for(net, torch.backends.cpu.get_cpu_capability())
    torch.backends.mkldnn.set_flags(sound)  # type: ignore[no-untyped-call]  # untyped in torch

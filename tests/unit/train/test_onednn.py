"""Where oneDNN may compute a network."""

import pytest
import torch
from torch import nn

from lepton.train.onednn import choose_onednn, is_sound_for


def net(width: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, 3), nn.Conv2d(16, width, 3))


@pytest.mark.parametrize(
    ("width", "capability", "sound"),
    [(4, "AVX2", False), (7, "DEFAULT", False), (8, "AVX2", True), (4, "AVX512", True), (4, "AVX512_VNNI", True)],
)
def test_narrow_convolutions_are_kept_from_it_on_older_cpus(width: int, capability: str, sound: bool) -> None:
    assert is_sound_for(net(width), capability) is sound


def test_it_comes_back_for_a_wider_network() -> None:
    choose_onednn(net(4))
    choose_onednn(net(16))
    assert torch.backends.mkldnn.enabled

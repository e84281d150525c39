"""What export writes: the network that was trained, for any batch, and nothing said while doing so."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from lepton.compress.export import export
from lepton.compress.runtime import predict, session
from lepton.errors import LeptonError
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.train.models.registry import ARCHITECTURES, build
from lepton.train.served import Served

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def seasoned(net: nn.Module) -> nn.Module:
    """With statistics in batch normalisation that a folding mistake would show."""
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features) / 5
            module.running_var = torch.rand(module.num_features) + 0.5
    return net.eval()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_exported_for_any_batch_and_answers_as_trained(
    architecture: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    net = seasoned(build(Model.model_validate({"architecture": architecture, "width": 4}), 3, (3, 12, 16)))
    export(net, MEAN, STD, (12, 16, 3), tmp_path / "model.onnx")
    images = np.random.default_rng(1).integers(0, 256, (5, 12, 16, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = Served(net, MEAN, STD)(torch.from_numpy(images)).numpy()
    runtime = session(tmp_path / "model.onnx")
    np.testing.assert_allclose(predict(runtime, images), expected, atol=1e-5)
    np.testing.assert_allclose(predict(runtime, images[:1]), expected[:1], atol=1e-5)
    assert capfd.readouterr() == ("", "")


def test_the_graph_takes_raw_pixels_and_holds_no_batch_normalisation(tmp_path: Path) -> None:
    export(seasoned(build(Model(width=4), 3, (3, 8, 8))), MEAN, STD, (8, 8, 3), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    runtime = session(tmp_path / "model.onnx")
    described = [(value.name, value.type, value.shape) for value in (*runtime.get_inputs(), *runtime.get_outputs())]
    assert described == [
        ("image", "tensor(uint8)", ["batch", 8, 8, 3]),
        ("probabilities", "tensor(float)", ["batch", 3]),
    ]
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 20)]
    operations = {node.op_type for node in model.graph.node}
    assert operations & {"BatchNormalization", "Shape", "Gather", "Range"} == set()


class FixesTheBatch(nn.Module):
    """Counts the batch with len, which the exporter takes for a constant."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.reshape(len(images), -1)[:, :3] * torch.ones(len(images), 1)


class AsksTheValues(nn.Module):
    """Decides by what is in the image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :3] if float(images.sum()) > 0 else images.flatten(1)[:, 3:6]


@pytest.mark.parametrize("net", [FixesTheBatch(), AsksTheValues()], ids=["fixes the batch", "asks the values"])
def test_a_network_that_can_not_be_served_is_refused_with_what_to_do(net: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="change `model`") as raised:
        export(net, MEAN, STD, (8, 8, 3), tmp_path / "model.onnx")
    assert (raised.value.reason, "\n" in raised.value.message) == (Reason.MODEL_INVALID, False)
    assert list(tmp_path.iterdir()) == []

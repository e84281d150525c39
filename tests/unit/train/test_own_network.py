"""A network of the user's own that passes the proof and goes wrong only in a step of learning."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lepton.errors import LeptonError
from lepton.report import DataReport
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.spec.train import Train
from lepton.train.data.prepared import Prepared
from lepton.train.fit import Fit
from lepton.train.group import Group
from lepton.train.learner import Learner
from lepton.train.precision import SAFE
from lepton.train.setup import make_learner

NETS = "tests.unit.models.nets"
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0])
REPORT = DataReport(train=4, validation=1, test=1, per_class={}, corrupt=0, duplicates=0, image_shape=(8, 8, 1))
PREPARED = Prepared(Path("data"), ("a", "b", "c"), (8, 8, 1), (0.5,), (0.5,), "sha256:0", REPORT)


def learner(function: str) -> Learner:
    f = Fit(Model(module=f"{NETS}:{function}"), Train(), Path("data"), Path("fit"), "train")
    return make_learner(f, PREPARED, SAFE, Group(0, 1, torch.device("cpu")))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("raises_while_it_learns", "failed while it learns on images (4, 1, 8, 8) with KeyError: 'loss'"),
        ("pairs_while_it_learns", "must give logits of shape (4, 3) for 4 images while it learns, not tuple"),
    ],
)
def test_what_goes_wrong_in_a_step_is_the_users_to_mend(function: str, said: str) -> None:
    with pytest.raises(LeptonError) as caught:
        learner(function).step(IMAGES, LABELS, 0.01)
    expected = f"model.module: the network of {NETS}:{function} {said}"
    assert (caught.value.reason, caught.value.message) == (Reason.MODEL_INVALID, expected)


def test_a_lack_of_memory_is_not_blamed_on_the_network() -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        learner("too_large_while_it_learns").step(IMAGES, LABELS, 0.01)


def test_a_network_that_is_well_learns_and_keeps_the_names_of_its_weights() -> None:
    it = learner("linear")
    losses = [float(it.step(IMAGES, LABELS, 0.01)) for _ in range(20)]
    assert losses[-1] < losses[0]
    assert it.correct(IMAGES, LABELS) == 4
    assert list(it.net.state_dict()) == ["1.weight", "1.bias", "2.weight", "2.bias"]

"""A network of the user's own works, and whatever is wrong with it is said in a sentence."""

import pytest
import torch

from lepton.errors import LeptonError
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.train.models.registry import build

NETS = "tests.unit.models.nets"


def test_a_function_of_the_users_own_makes_the_network() -> None:
    network = build(Model(module=f"{NETS}:linear", parameters={"hidden": 7}), 3, (1, 8, 8))
    assert network.training
    assert [tuple(parameter.shape) for parameter in network.parameters()] == [(7, 64), (7,), (3, 7), (3,)]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Model(module="no_such_module:f"), "module no_such_module can't be imported (ModuleNotFoundError"),
        (
            Model(module="tests.unit.models.broken_net:f"),
            "module tests.unit.models.broken_net can't be imported (KeyError: 'missing piece')",
        ),
        (Model(module=f"{NETS}:nothing"), f"module {NETS} has nothing called nothing"),
        (Model(module=f"{NETS}:number"), f"module {NETS} holds something that can't be called: number"),
        (Model(module=f"{NETS}:raising"), f"{NETS}:raising failed with RuntimeError: no such thing"),
        (Model(module=f"{NETS}:linear", parameters={"depth": 2}), f"{NETS}:linear failed with TypeError"),
        (Model(module=f"{NETS}:text"), f"{NETS}:text must return a torch.nn.Module, not str"),
        (Model(module=f"{NETS}:five_classes"), "must give logits of shape (2, 3) for 2 images, not (2, 5)"),
        (Model(module=f"{NETS}:a_pair"), "must give logits of shape (2, 3) for 2 images, not tuple"),
        (Model(module=f"{NETS}:whole_numbers"), "must give floating point logits, not torch.int64"),
        (Model(module=f"{NETS}:grey_only"), "failed on images (2, 3, 8, 8) with RuntimeError"),
    ],
    ids=lambda value: str(value.module) if isinstance(value, Model) else "",
)
def test_a_function_that_does_not_fit_is_refused_in_words(model: Model, said: str) -> None:
    with pytest.raises(LeptonError) as caught:
        build(model, 3, (3, 8, 8))
    assert caught.value.reason == Reason.MODEL_INVALID
    assert caught.value.message.startswith("model.module: ")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_a_lack_of_memory_while_the_network_is_made_is_no_mistake_in_it() -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        build(Model(module=f"{NETS}:too_large"), 3, (3, 8, 8))


def test_the_proof_of_a_network_draws_no_random_number() -> None:
    torch.manual_seed(0)
    build(Model(module=f"{NETS}:linear"), 3, (1, 8, 8))
    after = torch.rand(1)
    torch.manual_seed(0)
    torch.nn.Linear(64, 4)
    torch.nn.Linear(4, 3)
    assert torch.equal(after, torch.rand(1))

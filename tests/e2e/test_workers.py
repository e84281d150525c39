"""Training that is shared by two workers, each in a pod of its own: it goes on where it was, whichever pod dies."""

from collections.abc import Iterator

import pytest

from tests.e2e.model import QUICK, Model
from tests.e2e.prometheus import Prometheus
from tests.node.kube import Kube

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]


@pytest.fixture
def model(kube: Kube) -> Iterator[Model]:
    made = Model(kube, "shared")
    made.apply({**QUICK, "train": {"epochs": 150, "workers": 2, "resources": {"cpu": 0.25}}})
    yield made
    made.delete("--timeout=120s")


def test_a_worker_and_then_the_head_are_killed_and_no_epoch_is_lost(model: Model) -> None:
    model.until(lambda: model.epoch(1) > 1, "both train")
    model.kill(model.pods_of_ray("worker")[0]["metadata"]["name"])
    before = model.epoch(1)
    model.until(lambda: model.epoch(1) not in (0, before), "both train again")
    assert model.epoch(1) > before
    model.kill(model.pods_of_ray("head")[0]["metadata"]["name"])
    before = model.epoch(1)
    model.until(lambda: model.epoch(1) == 0, "the build begins again")
    model.until(lambda: model.epoch(1) != 0, "both train once more")
    assert model.epoch(1) >= before
    model.until(model.serves(1), "what they made serves")
    assert model.runs(1) == ["0"]
    scraped = Prometheus(model.kube).series('count(up{job="lepton-ray", model="shared"} == 1) == 3')
    assert scraped != [], "Prometheus reads the head and both workers"

"""What fit says when two workers can't do it; that they can, and survive being killed, is shown in tests/faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.spec.train import TrainResources
from lepton.train.run import fit
from tests.real.train.fitting import TRAIN, diverging, fit_of


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def test_what_a_worker_can_not_mend_comes_out_of_ray_with_its_reason(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as raised:
        fit(fit_of(digits, tmp_path, **diverging(workers=2)), lambda _: None)
    assert raised.value.reason is Reason.LOSS_NOT_FINITE


def test_more_gpus_than_there_are_is_said_at_once(digits: Path, tmp_path: Path) -> None:
    train = TRAIN.model_copy(update={"workers": 2, "resources": TrainResources(gpu=1)})
    with pytest.raises(LeptonError) as raised:
        fit(fit_of(digits, tmp_path, train), lambda _: None)
    expected = "train.resources.gpu: 2 workers need 2 in all, Ray has 0: lower it or train.workers"
    assert (raised.value.reason, raised.value.message) == (Reason.INVALID_SPEC, expected)

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray

from lepton.errors import LeptonError
from lepton.report import Progress
from lepton.spec.reasons import Reason
from lepton.spec.train import TrainResources
from lepton.train.fit import Fitted
from lepton.train.run import fit
from tests.real.train.fitting import TRAIN, diverging, fit_of

TWO = TRAIN.model_copy(update={"workers": 2, "epochs": 20})
"""So many epochs that a worker can be killed before they are over."""


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture(scope="module")
def undisturbed(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A fit on two workers that nothing disturbed."""
    return fit(fit_of(digits, tmp_path_factory.mktemp("two") / "fit", TWO), lambda _: None)


def kill_one_worker() -> None:
    """Kill a training worker of the Ray that this process started, and no other's."""
    ours = psutil.Process().children(recursive=True)
    next(process for process in ours if "RayTrainWorker" in " ".join(process.cmdline())).kill()


def test_two_workers_learn_as_well_as_one(undisturbed: Fitted) -> None:
    assert undisturbed.validation_accuracy >= 97


def test_a_killed_worker_is_replaced_and_the_result_is_the_same(
    undisturbed: Fitted, digits: Path, tmp_path: Path
) -> None:
    (tmp_path / "choice.json").write_bytes((undisturbed.weights.parent / "choice.json").read_bytes())
    said: list[Progress] = []

    def kill_once(progress: Progress) -> None:
        if not said:
            kill_one_worker()
        said.append(progress)

    resumed = fit(fit_of(digits, tmp_path, TWO), kill_once)
    assert said
    assert [row.loss for row in resumed.epochs] == [row.loss for row in undisturbed.epochs]
    assert resumed.weights.read_bytes() == undisturbed.weights.read_bytes()


def test_what_a_worker_can_not_mend_comes_out_of_ray_with_its_reason(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as raised:
        fit(fit_of(digits, tmp_path, **diverging(workers=2)), lambda _: None)  # type: ignore[arg-type]
    assert raised.value.reason is Reason.LOSS_NOT_FINITE


def test_more_gpus_than_there_are_is_said_at_once(digits: Path, tmp_path: Path) -> None:
    train = TWO.model_copy(update={"resources": TrainResources(gpu=1)})
    with pytest.raises(LeptonError) as raised:
        fit(fit_of(digits, tmp_path, train), lambda _: None)
    expected = "train.resources.gpu: 2 workers need 2 in all, Ray has 0: lower it or train.workers"
    assert (raised.value.reason, raised.value.message) == (Reason.INVALID_SPEC, expected)

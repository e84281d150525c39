"""How the progress and the failures of workers in other processes are handed on."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import ray

from lepton.errors import LeptonError
from lepton.files import write_atomically
from lepton.report import Progress
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.spec.train import Train, TrainResources
from lepton.train import workers
from lepton.train.fit import Fit

FULL = LeptonError(Reason.DISK_FULL, "no space left")


def progress(message: str) -> Progress:
    return Progress(stage="train", message=message)


def write(path: Path, message: str) -> None:
    path.write_text(progress(message).model_dump_json())


def no_space(_: Progress) -> None:
    raise FULL


def test_the_last_word_is_handed_on_even_when_the_block_ends_at_once(tmp_path: Path) -> None:
    said: list[Progress] = []
    write(tmp_path / "progress.json", "of an earlier run")
    with workers._Tail(tmp_path / "progress.json", said.append):
        write(tmp_path / "progress.json", "epoch 1")
    assert said == [progress("epoch 1")]


class Fails:
    """A listener that refuses as often as it is told to, then listens."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.said: list[Progress] = []
        self.heard = threading.Event()

    def __call__(self, progress: Progress) -> None:
        if self.left:
            self.left -= 1
            raise FULL
        self.said.append(progress)
        self.heard.set()


def test_what_the_listener_refuses_is_tried_again_and_then_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_SECONDS_BETWEEN_LOOKS", 0.001)
    listener = Fails(2)
    with workers._Tail(tmp_path / "progress.json", listener):
        write_atomically(tmp_path / "progress.json", progress("epoch 1").model_dump_json().encode())
        assert listener.heard.wait(5)
    assert listener.said == [progress("epoch 1")]


def test_a_last_word_that_the_listener_refuses_is_raised_when_the_block_ends(tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as raised, workers._Tail(tmp_path / "progress.json", no_space):
        write(tmp_path / "progress.json", "epoch 1")
    assert raised.value is FULL


def test_what_the_block_itself_raises_comes_first(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="workers"), workers._Tail(tmp_path / "progress.json", no_space):
        write(tmp_path / "progress.json", "epoch 1")
        raise KeyError("workers")


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    model = Model(architecture="lenet")
    return Fit(model=model, train=Train(), data=tmp_path / "data", directory=tmp_path / "fit", stage="train")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(workers, "write_atomically", write)


def failing(reason: Reason) -> Callable[..., None]:
    def train(*_: object) -> None:
        raise LeptonError(reason, "why")

    return train


@pytest.mark.parametrize("reason", [Reason.MODEL_INVALID, Reason.LOSS_NOT_FINITE])
@pytest.mark.usefixtures("full_disk")
def test_a_worker_that_can_not_write_down_why_it_fails_says_it_to_ray(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    monkeypatch.setattr(workers, "train", failing(reason))
    with pytest.raises(RuntimeError, match="why"):
        workers._work({"fit": fit})


def test_workers_that_diverge_together_write_it_down_and_end_without_a_retry(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "train", failing(Reason.LOSS_NOT_FINITE))
    workers._work({"fit": fit})
    told = workers._told(fit)
    assert told is not None
    assert told.reason is Reason.LOSS_NOT_FINITE


@pytest.mark.usefixtures("full_disk")
def test_workers_that_died_without_a_word_on_a_full_disk_fail_for_that(fit: Fit) -> None:
    assert workers._untold(fit, RuntimeError("no space")) is FULL


def test_workers_that_died_without_a_word_fail_with_the_last_one_of_ray(fit: Fit) -> None:
    error = workers._untold(fit, RuntimeError("killed"))
    assert (error.reason, error.message) == (
        Reason.JOB_FAILED,
        "train: the training workers failed 4 times, lastly with: killed",
    )


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes of a Ray that has no GPU at this moment; its head has two cores."""
    found = ["head"]
    monkeypatch.setattr(ray, "nodes", lambda: found)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    return found


def test_workers_are_spread_over_the_pods_that_are_there_for_them(nodes: list[str]) -> None:
    found = workers._scaling(Train(workers=2))
    assert (found.num_workers, found.placement_strategy) == (2, "SPREAD")


def test_a_gpu_that_is_missing_is_a_mistake_on_one_machine_and_comes_back_on_a_cluster(nodes: list[str]) -> None:
    train = Train(workers=2, resources=TrainResources(gpu=1))
    with pytest.raises(LeptonError) as raised:
        workers._scaling(train)
    assert raised.value.reason is Reason.INVALID_SPEC
    nodes.append("a worker's pod, which is not up again yet")
    assert workers._scaling(train).use_gpu


def test_a_new_head_that_trains_nothing_waits_for_the_workers_pods(
    nodes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"memory": 1e9})
    assert workers._scaling(Train(workers=2, resources=TrainResources(gpu=1))).use_gpu

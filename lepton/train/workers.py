"""A fit on Ray actors, as the process that starts them sees it, and the frame in which each worker runs the loop.

Called by train.run. Progress and failures come from the workers through small files in the fit's folder: a failure
that no retry mends must stop Ray's retries, and an exception would lose its reason on the way through Ray.
"""

import dataclasses
import os
import threading
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError, WorkerGroupError
from ray.train.torch import TorchTrainer

from lepton.errors import LeptonError
from lepton.files import write_atomically
from lepton.report import Failure, Progress, Say
from lepton.spec.fields import quantity_bytes
from lepton.spec.reasons import Reason
from lepton.spec.train import Train
from lepton.train.fit import Fit
from lepton.train.loop import train
from lepton.train.memory import memory_error, out_of_memory

RETRIES = 3
"""How often the workers are started anew after one of them died."""
_TOKEN_CPU = 0.01
"""The job that calls us has reserved the cores of all workers; were they reserved once more, it would wait for ever."""
_SECONDS_BETWEEN_LOOKS = 0.25
_SETTINGS = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",  # by default 2 s, several of which pass at the start and at the end
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",  # on a busy machine a worker takes long to import torch
}


def fit_on_workers(f: Fit, say: Say) -> None:
    """Run the fit on f.train.workers actors to its end. Raises LeptonError."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if not ray.is_initialized():
        ray.init(address="auto")
    f = _absolute(f)
    _failure_file(f).unlink(missing_ok=True)
    trainer = TorchTrainer(
        _work,
        train_loop_config={"fit": f},
        scaling_config=_scaling(f.train),
        run_config=RunConfig(
            name="ray", storage_path=str(f.directory), failure_config=FailureConfig(max_failures=RETRIES)
        ),
    )
    try:
        with _Tail(_progress_file(f), say):
            trainer.fit()
    except (TrainingFailedError, RayError) as error:
        raise (_told(f) or _untold(f, error)) from error
    told = _told(f)
    if told is not None:
        raise told


def _work(config: dict[str, Any]) -> None:
    """One worker's whole life."""
    f: Fit = config["fit"]
    if _failure_file(f).exists():
        return  # the workers before us met what no other try mends
    try:
        train(f, lambda progress: write_atomically(_progress_file(f), progress.model_dump_json().encode()))
    except LeptonError as error:
        written = _tell(f, error)
        if not written or error.reason is not Reason.LOSS_NOT_FINITE:  # that one all workers find out together
            raise RuntimeError(error.message) from None
    except (MemoryError, RuntimeError) as error:
        lack = out_of_memory(f, error)
        if lack is not None:
            _tell(f, lack)
        raise


def _absolute(f: Fit) -> Fit:
    """The same fit for processes with another working directory."""
    return dataclasses.replace(
        f,
        data=f.data.absolute(),
        directory=f.directory.absolute(),
        start=f.start.absolute() if f.start else None,
        teacher=(f.teacher[0], f.teacher[1].absolute()) if f.teacher else None,
    )


def _scaling(train: Train) -> ScalingConfig:
    resources: dict[str, float] = {"CPU": _TOKEN_CPU}
    if train.resources.memory is not None:
        resources["memory"] = quantity_bytes(train.resources.memory)
    if train.resources.gpu:
        resources["GPU"] = train.resources.gpu
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]  # untyped in Ray
    nodes = ray.nodes()  # type: ignore[no-untyped-call]  # untyped in Ray
    here_alone = len(nodes) == 1 and there.get("CPU", 0) > 0  # else pods are made to measure, and missing ones come
    for name, field in (("GPU", "gpu"), ("memory", "memory")):
        wanted, most = resources.get(name, 0) * train.workers, there.get(name, 0)
        if here_alone and wanted > most:
            problem = f"train.resources.{field}: {train.workers} workers need {wanted:g} in all, Ray has {most:g}"
            raise LeptonError(Reason.INVALID_SPEC, f"{problem}: lower it or train.workers")
    return ScalingConfig(
        num_workers=train.workers,
        use_gpu=train.resources.gpu > 0,
        resources_per_worker=resources,
        placement_strategy="SPREAD",  # a pod for each, where there are several
    )


def _untold(f: Fit, error: Exception) -> LeptonError:
    """The error of workers that died without a word of their own, as they do on a full disk."""
    causes = list(error.worker_failures.values()) if isinstance(error, WorkerGroupError) else [error]
    if any(isinstance(cause, OutOfMemoryError) for cause in causes):
        return memory_error(f)
    last = str(causes[0]).strip().splitlines()[-1] if causes and str(causes[0]).strip() else type(error).__name__
    failed = LeptonError(
        Reason.JOB_FAILED, f"{f.stage}: the training workers failed {RETRIES + 1} times, lastly with: {last}"
    )
    try:
        _write_failure(f, failed)
    except LeptonError as unwritable:
        return unwritable
    return failed


def _failure_file(f: Fit) -> Path:
    return f.directory / "failure.json"


def _progress_file(f: Fit) -> Path:
    return f.directory / "progress.json"


def _tell(f: Fit, error: LeptonError) -> bool:
    """Write down why this worker gives up; whether that could be written."""
    try:
        _write_failure(f, error)
    except LeptonError:
        return False
    return True


def _write_failure(f: Fit, error: LeptonError) -> None:
    failure = Failure(reason=error.reason, message=error.message)
    write_atomically(_failure_file(f), failure.model_dump_json().encode())


def _told(f: Fit) -> LeptonError | None:
    """What a worker wrote down before it gave up."""
    try:
        failure = Failure.model_validate_json(_failure_file(f).read_bytes())
    except FileNotFoundError:
        return None
    return LeptonError(failure.reason, failure.message)


class _Tail(threading.Thread):
    """Hands on what rank 0 writes about its progress, for as long as the block lasts, and once more at its end.

    What the listener refuses is tried again at the next look. Only when it refuses the last word too is its error
    raised, at the end of a block that ends well itself.
    """

    def __init__(self, path: Path, say: Say) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._say = say
        self._over = threading.Event()
        self._last = b""
        self._error: BaseException | None = None

    def __enter__(self) -> None:
        self._path.unlink(missing_ok=True)
        self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self.join()
        self._look()
        if self._error is not None and kind is None:
            raise self._error

    def run(self) -> None:
        """Look again and again."""
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return
        if content == self._last:
            return
        try:
            self._say(Progress.model_validate_json(content))
            self._last, self._error = content, None
        except Exception as error:  # noqa: BLE001 - in a thread it would be lost; whoever waits for the fit gets it
            self._error = error

"""The local backend keeps the contract, on a real Ray and a real Triton."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from lepton.backends.local.backend import LocalBackend
from lepton.backends.local.home import Home
from lepton.backends.local.jobs import Jobs
from lepton.backends.local.metrics import Metrics
from lepton.backends.local.models import Models
from lepton.backends.local.ray import Ray
from lepton.backends.local.store import Store
from lepton.backends.local.triton import Triton
from lepton.plan.types import Key
from lepton.report import Failure, Progress, Summary
from lepton.spec.resource import API_VERSION, KIND, LeptonModel, Metadata, Spec
from tests.contract.harness import Harness
from tests.contract.suite import BackendContract
from tests.real.local import worker
from tests.real.local.artifacts import make_artifact
from tests.real.local.conftest import wait_until


class LocalHarness(Harness):
    """Events happen in a worker that obeys the test, and in Triton."""

    def __init__(self, home: Home, ray: Ray, triton: Triton, models: Models, made: Path) -> None:
        self.clock = time.time
        self.home, self.triton, self.made = home, triton, made
        self.store = Store(home.database)
        self.jobs = Jobs(home, ray, (worker.__file__,))
        self.backend: LocalBackend = LocalBackend(home, self.store, self.jobs, models, triton, Metrics())

    def put(self, key: Key, spec: Spec) -> None:
        metadata = Metadata(name=key.name, namespace=key.namespace)
        self.store.apply(LeptonModel(api_version=API_VERSION, kind=KIND, metadata=metadata, spec=spec))

    def mark_deleted(self, key: Key) -> None:
        assert self.store.delete(key)

    def artifact(self, key: Key, number: int, *, broken: bool = False) -> Summary:
        directory = self.made / f"{key.name}-{number}-{broken}"
        return Summary(artifact=str(directory), digest=make_artifact(directory, number, broken=broken))

    def run_job(self, key: Key, name: str, progress: Progress) -> None:
        self._tell(key, name, "do-progress", progress)
        wait_until(lambda: self.seen(key).jobs[name].progress == progress, f"progress of {name}")

    def finish_job(self, key: Key, name: str, summary: Summary) -> None:
        self._tell(key, name, "do-summary", summary)
        wait_until(lambda: self.seen(key).jobs[name].phase == "Succeeded", f"end of {name}")

    def fail_job(self, key: Key, name: str, failure: Failure | None) -> None:
        self._tell(key, name, "do-failure", failure)
        wait_until(lambda: self.seen(key).jobs[name].phase == "Failed", f"failure of {name}")

    def let_load(self, key: Key, name: str) -> None:
        """`apply` returns when it is loaded."""

    def let_switch(self, key: Key) -> None:
        """`apply` returns when it is switched."""

    def lose_server(self) -> None:
        record = self.triton.alive()
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        wait_until(lambda: self.triton.alive() is None, "the end of Triton")
        self.triton.start()
        wait_until(self.triton.is_ready, "Triton")

    def clean(self) -> None:
        for model in self.store.models():
            for name in self.jobs.orders(model.metadata.name):
                self.jobs.delete(name)
        self.store.close()
        for file in self.home.root.glob("lepton.db*"):
            file.unlink()

    def _tell(self, key: Key, name: str, what: str, value: BaseModel | None) -> None:
        worker.command(self.home.jobs / name, what, worker.DIE if value is None else value.model_dump_json())


@pytest.fixture
def harness(home: Home, ray: Ray, triton: Triton, models: Models, tmp_path: Path) -> Iterator[Harness]:
    with LocalHarness(home, ray, triton, models, tmp_path) as made:
        yield made
        made.clean()
    shutil.rmtree(home.work, ignore_errors=True)


class TestLocalBackend(BackendContract):
    """Every promise, with real processes."""

"""The memory backend keeps the contract."""

from collections.abc import Iterator

import pytest

from lepton.backends.memory import MemoryBackend
from lepton.plan.types import Key
from lepton.report import Failure, Progress, Summary
from lepton.spec.reasons import Reason
from lepton.spec.resource import Spec
from tests.contract.harness import Harness
from tests.contract.suite import BackendContract

NOW = 1_760_000_000.0
BROKEN = Failure(reason=Reason.ARTIFACT_CORRUPT, message="model.onnx differs from its digest: apply again")


class MemoryHarness(Harness):
    """Events happen at once."""

    def __init__(self) -> None:
        self.clock = lambda: NOW
        self.backend: MemoryBackend = MemoryBackend(self.clock)

    def put(self, key: Key, spec: Spec) -> None:
        self.backend.put(key, spec)

    def mark_deleted(self, key: Key) -> None:
        self.backend.mark_deleted(key, "2026-01-01T00:00:00Z")

    def artifact(self, key: Key, number: int, *, broken: bool = False) -> Summary:
        what = "broken" if broken else "whole"
        return Summary(artifact=f"memory://{key.name}/{number}", digest=f"sha256:{key.name}-{number}-{what}")

    def run_job(self, key: Key, name: str, progress: Progress) -> None:
        self.backend.run_job(name, progress)

    def finish_job(self, key: Key, name: str, summary: Summary) -> None:
        self.backend.finish_job(name, summary)

    def fail_job(self, key: Key, name: str, failure: Failure | None) -> None:
        self.backend.fail_job(name, failure)

    def let_load(self, key: Key, name: str) -> None:
        endpoint, _ = self.backend.worlds[key].endpoints[name]
        if endpoint.digest.endswith("broken"):
            self.backend.fail_load(name, BROKEN)
        else:
            self.backend.load(name)

    def let_switch(self, key: Key) -> None:
        wanted = self.backend.worlds[key].wanted
        if wanted is not None and wanted.digest.endswith("broken"):
            self.backend.fail_switch(key, BROKEN)
        else:
            self.backend.switch(key)

    def lose_server(self) -> None:
        self.backend.lose_server()


@pytest.fixture
def harness() -> Iterator[Harness]:
    with MemoryHarness() as made:
        yield made


class TestMemoryBackend(BackendContract):
    """Every promise, in memory."""

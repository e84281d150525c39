"""What the contract suite needs of a backend beyond its protocol: a user's deeds and the world's events.

Each backend's tests subclass Harness. An event method returns once the backend's next observation shows it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lepton.plan.types import Desired, Endpoint, Job, Key, Observed, Ref, Traffic
from lepton.reconcile import Backend, reconcile
from lepton.report import Failure, Progress, Summary
from lepton.spec.resource import Spec
from lepton.spec.status import Status


class Harness(ABC):
    """One backend under test, with its protocol as plain calls on one event loop."""

    backend: Backend
    clock: Callable[[], float]

    def __enter__(self) -> Self:
        self.runner = asyncio.Runner()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.runner.close()

    # a user

    @abstractmethod
    def put(self, key: Key, spec: Spec) -> None:
        """Create the resource, or change its spec."""

    @abstractmethod
    def mark_deleted(self, key: Key) -> None:
        """Ask for its deletion (set deletionTimestamp)."""

    # the world

    @abstractmethod
    def artifact(self, key: Key, number: int, *, broken: bool = False) -> Summary:
        """What a build of revision `number` leaves: an artifact that can be loaded, or (broken) that can't.

        Artifacts of different numbers have different digests.
        """

    @abstractmethod
    def run_job(self, key: Key, name: str, progress: Progress) -> None:
        """The job is at work and says so."""

    @abstractmethod
    def finish_job(self, key: Key, name: str, summary: Summary) -> None:
        """The job succeeds."""

    @abstractmethod
    def fail_job(self, key: Key, name: str, failure: Failure | None) -> None:
        """The job fails; with None it dies without a word."""

    @abstractmethod
    def let_load(self, key: Key, name: str) -> None:
        """Wait until the endpoint answers, or could not be loaded."""

    @abstractmethod
    def let_switch(self, key: Key) -> None:
        """Wait until the traffic goes where it shall, or could not be switched."""

    @abstractmethod
    def lose_server(self) -> None:
        """What serves dies; the state on disk stays."""

    # the protocol

    def observe(self, key: Key) -> Observed | None:
        return self.runner.run(self.backend.observe(key))

    def seen(self, key: Key) -> Observed:
        """An observation of a resource that is there."""
        observed = self.observe(key)
        assert observed is not None
        return observed

    def report(self, key: Key, status: Status, resource_version: int) -> bool:
        return self.runner.run(self.backend.report(key, status, resource_version))

    def apply(self, key: Key, *desired: Desired) -> None:
        for one in desired:
            self.runner.run(self.backend.apply(key, one))

    def delete(self, key: Key, ref: Ref) -> None:
        self.runner.run(self.backend.delete(key, ref))

    def forget(self, key: Key) -> None:
        self.runner.run(self.backend.forget(key))

    def reconcile(self, key: Key, passes: int = 3) -> None:
        for _ in range(passes):
            self.runner.run(reconcile(key, self.backend, self.clock))


def digits(**changes: object) -> Spec:
    """A small spec; `changes` replace its sections."""
    plain = {"task": "image-classification", "data": {"uri": "sklearn://digits"}, "train": {"epochs": 1}}
    return Spec.model_validate({**plain, **changes})


def job(key: Key, name: str, attempt: int = 0) -> Job:
    """A build job."""
    arguments = {"spec": digits().model_dump(mode="json", by_alias=True), "created": "2026-01-01T00:00:00Z"}
    return Job(name, "build", key.name, 1, arguments, cpus=1.0, attempt=attempt)


def endpoint(key: Key, name: str, made: Summary) -> Endpoint:
    """A revision at no traffic."""
    return Endpoint(name, key.name, 1, "served", made.artifact, made.digest, instances=1)


def traffic(key: Key, made: Summary, revision: int = 1) -> Traffic:
    """The name that users call."""
    return Traffic(key.name, revision, made.artifact, made.digest, instances=1)

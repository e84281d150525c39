"""The Backend of lepton.reconcile on one machine: SQLite for the resources, Ray for the jobs, Triton for the rest.

The control loop passes it to reconcile. It decides nothing; a failure that a person or another try can mend is kept
here and shows in the next observation.
"""

import asyncio
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from lepton.backends.local.home import Home
from lepton.backends.local.jobs import Jobs
from lepton.backends.local.metrics import Metrics
from lepton.backends.local.models import Models, Served
from lepton.backends.local.store import Conflict, Store
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.plan.types import Desired, Endpoint, EndpointState, Job, JobState, Key, Observed, Ref, Traffic
from lepton.report import Failure
from lepton.spec.reasons import Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress, Status

_AGAIN_S = 5.0
"""A load that failed is not tried again before so many seconds, however often a pass asks for it."""


@dataclass(frozen=True)
class _FailedLoad:
    served: Served
    failure: Failure
    at: float


@dataclass
class LocalBackend:
    """See lepton.reconcile.Backend."""

    is_told = False

    home: Home
    store: Store
    jobs: Jobs
    models: Models
    triton: Triton
    metrics: Metrics
    trouble: LeptonError | None = None
    """Why Triton does not start; the loop sets it."""
    moved: set[Key] = field(default_factory=set)
    """Models for which an `apply` began or ended something: worth another look at once."""
    unfinished: dict[str, Key] = field(default_factory=dict)
    """Jobs without an end, by name, and whose they are."""
    _failed_loads: dict[str, _FailedLoad] = field(default_factory=dict)
    _failed_orders: dict[str, tuple[str, JobState]] = field(default_factory=dict)
    """Jobs that could not even be ordered: whose they are, and why."""

    async def observe(self, key: Key) -> Observed | None:
        """See Backend."""
        model = self.store.get(key)
        return None if model is None else await asyncio.to_thread(self._observe, key, model)

    async def report(self, key: Key, status: Status, resource_version: int) -> bool:
        """See Backend."""
        try:
            self.store.write_status(key, status, resource_version)
        except Conflict:
            return False
        return True

    async def apply(self, key: Key, desired: Desired) -> None:
        """See Backend."""
        if isinstance(desired, Job):
            begun = await asyncio.to_thread(self._apply_job, desired)
        else:
            begun = await asyncio.to_thread(self._apply_load, _served(key, desired))
        if begun:
            self.moved.add(key)

    async def delete(self, key: Key, ref: Ref) -> None:
        """See Backend."""
        if ref.kind == "Job":
            self._failed_orders.pop(ref.name, None)
            self.unfinished.pop(ref.name, None)
            await asyncio.to_thread(self.jobs.delete, ref.name)
        else:
            self._failed_loads.pop(ref.name, None)
            if ref.name in self.models.records():
                await asyncio.to_thread(self.models.unload, ref.name)
        self.moved.add(key)

    async def forget(self, key: Key) -> None:
        """See Backend."""
        for folder in (self.home.work / key.name, self.home.artifacts / key.name):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        self.store.forget(key)

    def _observe(self, key: Key, model: LeptonModel) -> Observed:
        jobs = self._job_states(key)
        records = {name: served for name, served in self.models.records().items() if served.model == key.name}
        failed = {name: one.served for name, one in list(self._failed_loads.items()) if one.served.model == key.name}
        known = {**failed, **records}
        endpoints = {name: self._state(name) for name, served in known.items() if served.kind == "Endpoint"}
        traffic = self._state(key.name) if key.name in known else None
        owned = {Ref("Job", name) for name in jobs} | {Ref(served.kind, name) for name, served in known.items()}
        return Observed(
            model=model,
            jobs=jobs,
            endpoints=endpoints,
            traffic=traffic,
            address=self._address(key.name) if key.name in records else None,
            owned=frozenset(owned),
        )

    def _job_states(self, key: Key) -> Mapping[str, JobState]:
        states = {name: self.jobs.state(name, order) for name, order in self.jobs.orders(key.name).items()}
        for name, (model, state) in list(self._failed_orders.items()):
            if model == key.name:
                states[name] = state
        for name, state in states.items():
            if state.phase in ("Pending", "Running"):
                self.unfinished[name] = key
            elif self.unfinished.pop(name, None) is not None:
                self._account(state)
        return states

    def _account(self, state: JobState) -> None:
        for stage, seconds in (state.summary.stage_seconds if state.summary is not None else {}).items():
            self.metrics.stage_seconds.labels(stage).observe(seconds)
        if state.failure is not None:
            self.metrics.errors.labels(state.failure.reason).inc()

    def _state(self, name: str) -> EndpointState:
        digest = self.models.digest(name)
        failed = self._failed_loads.get(name)
        failure = failed.failure if failed is not None else None
        return EndpointState(digest is not None and self.models.is_healthy(name), digest, failure)

    def _address(self, model: str) -> EndpointAddress:
        settings = self.triton.settings
        return EndpointAddress(
            http=f"http://127.0.0.1:{settings.http_port}", grpc=f"127.0.0.1:{settings.grpc_port}", model=model
        )

    def _apply_job(self, job: Job) -> bool:
        try:
            begun = self.jobs.ensure(job, self._arguments(job))
        except LeptonError as error:
            if error.reason != Reason.SERVER_UNAVAILABLE:  # without Ray the job waits; there is nothing to mend
                failure = Failure(reason=error.reason, message=error.message)
                state = JobState("Failed", job.attempt, failure=failure, finished_at=time.time())
                self._failed_orders[job.name] = (job.model, state)
                self.metrics.errors.labels(error.reason).inc()
            return False
        self._failed_orders.pop(job.name, None)
        if begun:
            self.metrics.job_starts.labels(job.kind).inc()
        return begun

    def _arguments(self, job: Job) -> dict[str, JsonValue]:
        """What the plan says, and what only this machine knows."""
        arguments = dict(job.arguments)
        if job.kind == "build":
            artifact = self.home.artifact_url(self.triton.settings, job.model, job.name)
            return {**arguments, "artifact": artifact, "work": str(self.home.work / job.model)}
        record = self.triton.alive()
        ends = {end: self._address(str(arguments[end])).model_dump(mode="json") for end in ("candidate", "baseline")}
        return {**arguments, **ends, "server_pid": None if record is None else record.pid}

    def _apply_load(self, served: Served) -> bool:
        name = served.name
        if self.models.digest(name) == served.digest and self.models.records().get(name) == served:
            return self._failed_loads.pop(name, None) is not None
        failed = self._failed_loads.get(name)
        if failed is not None and failed.served == served and time.monotonic() - failed.at < _AGAIN_S:
            return False
        try:
            if not self.triton.is_ready():
                if self.trouble is None:
                    return False  # it is starting; the loop looks again as soon as it is there
                raise self.trouble
            self.models.load(served)
        except LeptonError as error:
            failure = Failure(reason=error.reason, message=error.message)
            self._failed_loads[name] = _FailedLoad(served, failure, time.monotonic())
            self.metrics.errors.labels(error.reason).inc()
            return failed is None or failed.failure != failure
        self._failed_loads.pop(name, None)
        return True


def _served(key: Key, desired: Endpoint | Traffic) -> Served:
    return Served(
        name=desired.name if isinstance(desired, Endpoint) else desired.model,
        kind="Endpoint" if isinstance(desired, Endpoint) else "Traffic",
        namespace=key.namespace,
        model=desired.model,
        variant=desired.variant if isinstance(desired, Endpoint) else "served",
        artifact=desired.artifact,
        digest=desired.digest,
        instances=desired.instances,
    )

"""A backend whose whole world is in memory: the test double that keeps the protocol honest.

Nothing happens by itself: jobs end, endpoints load and traffic switches when told so, in the order told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lepton.plan.types import (
    Desired,
    Endpoint,
    EndpointState,
    Job,
    JobState,
    Key,
    Observed,
    Ref,
    Traffic,
)
from lepton.report import Failure, Progress, Summary
from lepton.spec.resource import LeptonModel, Spec
from lepton.spec.status import EndpointAddress, Status

JOB_DONE = ("Succeeded", "Failed")


@dataclass
class World:
    """What exists for one model."""

    model: LeptonModel
    jobs: dict[str, tuple[Job, JobState]] = field(default_factory=dict)
    endpoints: dict[str, tuple[Endpoint, EndpointState]] = field(default_factory=dict)
    wanted: Traffic | None = None
    """Where the traffic shall go."""
    traffic: EndpointState | None = None
    """Where it goes."""


@dataclass
class MemoryBackend:
    """See lepton.reconcile.Backend for the methods that a pass calls; the others are the world's own events."""

    clock: Callable[[], float]
    worlds: dict[Key, World] = field(default_factory=dict)
    started: list[tuple[str, int]] = field(default_factory=list)
    """Name and attempt of every job ever begun, in order."""

    is_told: bool = False
    """See Backend; whoever sets it makes a pass upon every event."""

    # what a user does

    def put(self, key: Key, spec: Spec) -> None:
        """Create the resource, or change its spec."""
        world = self.worlds.get(key)
        if world is None:
            model = LeptonModel.model_validate(
                {
                    "apiVersion": "leptonml.dev/v1alpha1",
                    "kind": "LeptonModel",
                    "metadata": {"name": key.name, "namespace": key.namespace, "generation": 1, "resourceVersion": 1},
                    "spec": spec,
                }
            )
            self.worlds[key] = World(model)
        elif world.model.spec != spec:
            self._write(world, {"spec": spec}, {"generation": world.model.metadata.generation + 1})

    def mark_deleted(self, key: Key, timestamp: str) -> None:
        """Ask for the resource's deletion."""
        self._write(self.worlds[key], {}, {"deletion_timestamp": timestamp})

    # what the world does

    def run_job(self, name: str, progress: Progress | None = None) -> None:
        """The job is at work."""
        self._job(name, phase="Running", progress=progress)

    def finish_job(self, name: str, summary: Summary) -> None:
        """The job succeeds."""
        self._job(name, phase="Succeeded", summary=summary, finished_at=self.clock())

    def fail_job(self, name: str, failure: Failure | None) -> None:
        """The job fails, or dies without a word."""
        self._job(name, phase="Failed", failure=failure, finished_at=self.clock())

    def load(self, name: str) -> None:
        """The endpoint answers."""
        world = self._with(name, "endpoints")
        endpoint, _ = world.endpoints[name]
        world.endpoints[name] = (endpoint, EndpointState(ready=True, digest=endpoint.digest))

    def fail_load(self, name: str, failure: Failure) -> None:
        """The endpoint can't be loaded."""
        world = self._with(name, "endpoints")
        world.endpoints[name] = (world.endpoints[name][0], EndpointState(ready=False, failure=failure))

    def switch(self, key: Key) -> None:
        """The traffic goes where it shall."""
        world = self.worlds[key]
        if world.wanted is not None:
            world.traffic = EndpointState(ready=True, digest=world.wanted.digest)

    def fail_switch(self, key: Key, failure: Failure) -> None:
        """The traffic can't go where it shall, and stays where it is."""
        world = self.worlds[key]
        world.traffic = replace(world.traffic or EndpointState(ready=False), failure=failure)

    def lose_server(self) -> None:
        """The server dies: nothing is loaded any more."""
        for world in self.worlds.values():
            world.endpoints = {name: (e, EndpointState(ready=False)) for name, (e, _) in world.endpoints.items()}
            world.traffic = None if world.traffic is None else EndpointState(ready=False)

    # what a pass calls

    async def observe(self, key: Key) -> Observed | None:
        """See Backend."""
        world = self.worlds.get(key)
        if world is None:
            return None
        refs = {Ref("Job", name) for name in world.jobs} | {Ref("Endpoint", name) for name in world.endpoints}
        if world.wanted is not None:
            refs.add(Ref("Traffic", world.wanted.model))
        return Observed(
            model=world.model,
            jobs={name: state for name, (_, state) in world.jobs.items()},
            endpoints={name: state for name, (_, state) in world.endpoints.items()},
            traffic=world.traffic,
            address=None if world.wanted is None else EndpointAddress(http="memory", grpc="memory", model=key.name),
            owned=frozenset(refs),
        )

    async def report(self, key: Key, status: Status, resource_version: int) -> bool:
        """See Backend."""
        world = self.worlds.get(key)
        if world is None or world.model.metadata.resource_version != resource_version:
            return False
        self._write(world, {"status": status}, {})
        return True

    async def apply(self, key: Key, desired: Desired) -> None:
        """See Backend."""
        world = self.worlds[key]
        if isinstance(desired, Job):
            known = world.jobs.get(desired.name)
            if known is None or desired.attempt > known[1].attempt:
                world.jobs[desired.name] = (desired, JobState("Pending", desired.attempt))
                self.started.append((desired.name, desired.attempt))
        elif isinstance(desired, Endpoint):
            world.endpoints.setdefault(desired.name, (desired, EndpointState(ready=False)))
        else:
            world.wanted = desired
            world.traffic = world.traffic or EndpointState(ready=False)

    async def delete(self, key: Key, ref: Ref) -> None:
        """See Backend."""
        world = self.worlds[key]
        if ref.kind == "Job":
            world.jobs.pop(ref.name, None)
        elif ref.kind == "Endpoint":
            world.endpoints.pop(ref.name, None)
        elif world.wanted is not None and world.wanted.model == ref.name:
            world.wanted = world.traffic = None

    async def forget(self, key: Key) -> None:
        """See Backend."""
        self.worlds.pop(key, None)

    def _write(self, world: World, fields: dict[str, object], metadata: dict[str, object]) -> None:
        version = {"resource_version": world.model.metadata.resource_version + 1}
        stamped = world.model.metadata.model_copy(update={**metadata, **version})
        world.model = world.model.model_copy(update={**fields, "metadata": stamped})

    def _job(self, name: str, **changes: object) -> None:
        world = self._with(name, "jobs")
        job, state = world.jobs[name]
        if state.phase in JOB_DONE:
            raise ValueError(f"{name} has ended already")
        world.jobs[name] = (job, replace(state, **changes))  # type: ignore[arg-type]  # the methods above name only its fields

    def _with(self, name: str, kind: str) -> World:
        return next(world for world in self.worlds.values() if name in getattr(world, kind))

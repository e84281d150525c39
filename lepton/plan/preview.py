"""What applying a spec would change, before anything does: the very decision that is made later, played to its end.

Called by `lepton plan`. Pure: it lets make_plan decide, lets all that it wants succeed, and lets it decide again, until
nothing more is wanted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from pydantic import JsonValue

from lepton.plan.fold import make_plan
from lepton.plan.pursue import MAX_DELAY_S
from lepton.plan.revision import build_name
from lepton.plan.types import Desired, Endpoint, EndpointState, Job, JobState, Observed, Plan, Ref, Traffic
from lepton.report import Summary
from lepton.spec.reasons import ConditionType, Phase
from lepton.spec.resource import LeptonModel, Spec
from lepton.spec.status import Stage

UNKNOWN = "????????"
"""Stands in a name for what is known only once the artifact is built."""
_DIGEST = f"sha256:{UNKNOWN}"
_STAGES: tuple[Stage, ...] = get_args(Stage)
_BUILDING: Sequence[Stage] = ("data", "train", "compress", "package")
_FED_BY: Mapping[Stage, tuple[str, ...]] = {
    "data": ("data",),
    "train": ("task", "model", "train"),
    "compress": ("compress",),
    "package": ("deploy",),
    "gate": ("gate",),
}
"""The sections of the spec whose change makes each stage run, beside what the stages before it give it."""
_FREE = ("train.resources",)
"""Fields of those sections that change where a stage runs, and not what it makes."""
_UNFED: Mapping[Stage, tuple[bool, str]] = {
    "data": (True, "every build reads the data anew"),
    "train": (False, "taken as it is, if the data are the same"),
    "compress": (False, "taken as it is, if the data are the same"),
}
"""What a build does with a stage for which nothing has changed: see services/worker/build.py."""
_MOST_PASSES = 20
_TOOK_WORK_S = 1.0
"""A stage that was shorter had been done by an earlier build, and says nothing of how long it takes."""


@dataclass(frozen=True)
class Change:
    """One field of the spec that differs."""

    field: str
    """Path without `spec`, such as train.epochs."""
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True)
class StageRun:
    """Whether one stage runs, and why."""

    stage: Stage
    runs: bool
    why: str


@dataclass(frozen=True)
class Cost:
    """What the work takes, by the last run of each stage."""

    seconds: float
    cpu_hours: float
    gpu_hours: float


@dataclass(frozen=True)
class Preview:
    """What would come of applying a spec."""

    changes: tuple[Change, ...]
    stages: tuple[StageRun, ...]
    comes: tuple[Desired, ...]
    """What would be made or changed, in this order; names end in UNKNOWN where the artifact is not built yet."""
    passing: frozenset[Ref]
    """Those of them that go again once the gate has spoken."""
    goes: frozenset[Ref]
    """What there is now and would not be any more."""
    keeps_servers: bool
    """Whether the traffic stays with the artifact that it goes to now."""
    serves: int | None
    """The revision that would have the traffic in the end."""
    cost: Cost | None
    """None where work is to be done whose time is not known yet."""
    stopped: str | None
    """Why it would not come to serve, though all works; None where it would."""


def preview(observed: Observed, wanted: LeptonModel, now: float) -> Preview:
    """What applying `wanted` would change; `observed` is of the model as it stands, or of `wanted` where it is new."""
    is_new = observed.model.metadata.generation == 0
    later = now + 2 * MAX_DELAY_S  # whatever is only waited for has passed by then
    model = observed.model.model_copy(update={"spec": wanted.spec})
    came, end, plan = _play(replace(observed, model=model), later)
    redeployed = observed.model.spec.deploy != wanted.spec.deploy
    comes = tuple(one for one in came if _is_news(observed, one) or (redeployed and isinstance(one, Traffic)))
    ready = next(one for one in plan.status.conditions if one.type is ConditionType.READY)
    return Preview(
        changes=() if is_new else changes(observed.model.spec, wanted.spec),
        stages=tuple(_stages(observed, wanted.spec, comes)),
        comes=tuple(_named(desired) for desired in comes),
        passing=frozenset(_named(desired).ref for desired in comes if desired.ref not in end.owned),
        goes=observed.owned - end.owned,
        keeps_servers=observed.traffic is not None and observed.traffic == end.traffic,
        serves=plan.status.serving.revision if plan.status.serving is not None else None,
        cost=_cost(observed, wanted.spec, comes),
        stopped=None if plan.status.phase is Phase.SERVING else ready.message,
    )


def changes(before: Spec, after: Spec) -> tuple[Change, ...]:
    """The fields in which two specs differ, defaults filled in."""
    old, new = (dict(_leaves(spec.model_dump(mode="json", by_alias=True), "")) for spec in (before, after))
    fields = dict.fromkeys((*old, *new))
    return tuple(Change(field, old.get(field), new.get(field)) for field in fields if old.get(field) != new.get(field))


def _leaves(value: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _leaves(below, f"{path}.{name}" if path else name)
    else:
        yield path, value


def _play(observed: Observed, now: float) -> tuple[list[Desired], Observed, Plan]:
    """All that is desired on the way, what there is in the end, and the last plan, if everything goes well."""
    came: dict[Ref, Desired] = {}
    for _ in range(_MOST_PASSES):
        plan = make_plan(observed, now)
        for desired in plan.desired:
            if came.get(desired.ref) != desired:
                came.pop(desired.ref, None)  # so that what changes on the way stands where it changes
                came[desired.ref] = desired
        after = _after(observed, plan)
        if after == observed:
            break
        observed = after
    return list(came.values()), observed, plan


def _after(observed: Observed, plan: Plan) -> Observed:
    """The world once all that the plan wants is there and has gone well."""
    jobs, endpoints, traffic = dict(observed.jobs), dict(observed.endpoints), observed.traffic
    for desired in plan.desired:
        if isinstance(desired, Job):
            jobs[desired.name] = _succeeded(desired)
        elif isinstance(desired, Endpoint):
            endpoints[desired.name] = EndpointState(ready=True, digest=desired.digest)
        else:
            traffic = EndpointState(ready=True, digest=desired.digest)
    owned = (observed.owned & plan.refs) | {desired.ref for desired in plan.desired}
    return replace(
        observed,
        model=observed.model.model_copy(update={"status": plan.status}),
        jobs={name: state for name, state in jobs.items() if Ref("Job", name) in owned},
        endpoints={name: state for name, state in endpoints.items() if Ref("Endpoint", name) in owned},
        traffic=traffic,
        owned=owned,
    )


def _succeeded(job: Job) -> JobState:
    artifact, digest = job.arguments.get("artifact"), job.arguments.get("digest")
    if job.kind == "gate":
        return JobState("Succeeded", job.attempt, summary=Summary(artifact=str(artifact), digest=str(digest)))
    return JobState("Succeeded", job.attempt, summary=Summary(artifact=UNKNOWN, digest=_DIGEST))


def _is_news(observed: Observed, desired: Desired) -> bool:
    """Whether it would be made, begun again or changed."""
    if isinstance(desired, Traffic):
        return observed.traffic is None or observed.traffic.digest != desired.digest
    if isinstance(desired, Job):
        state = observed.jobs.get(desired.name)
        return state is None or state.phase == "Failed"
    return desired.ref not in observed.owned


def _named(desired: Desired) -> Desired:
    """The thing with a name that does not pretend to know the hash of what is not built."""
    digest = desired.arguments.get("digest") if isinstance(desired, Job) else desired.digest
    if digest != _DIGEST or isinstance(desired, Traffic):
        return desired
    return replace(desired, name=f"{desired.name.rpartition('-')[0]}-{UNKNOWN}")


def _stages(observed: Observed, wanted: Spec, comes: Sequence[Desired]) -> Iterator[StageRun]:
    """Each stage in order; what makes one run makes those after it run."""
    fields = [change.field for change in changes(observed.model.spec, wanted)]
    kinds = {desired.kind if isinstance(desired, Job) else "load" for desired in comes}
    why = "" if _is_built(observed) else "nothing has been built from the spec yet"
    for stage in _STAGES:
        fed = [one for one in fields if one.startswith(_FED_BY.get(stage, ("-",))) and not one.startswith(_FREE)]
        if fed:
            why = f"{', '.join(fed)} changed" + (f"; {why}" if why else "")
        if ("build" if stage in _BUILDING else stage) not in kinds:
            yield StageRun(stage, False, "done before")
        elif why:
            yield StageRun(stage, True, why)
        else:
            yield StageRun(stage, *_UNFED.get(stage, (True, "follows the stages before it")))


def _is_built(observed: Observed) -> bool:
    """Whether there is an artifact of the spec as it stands, so that its stages can be taken up."""
    name = build_name(observed.model.metadata.name, observed.model.spec)
    return any(record.name == name and record.digest is not None for record in observed.model.status.revisions)


def _cost(observed: Observed, wanted: Spec, comes: Sequence[Desired]) -> Cost | None:
    """What the jobs would take, by the last run of each of their stages; None where one is not known."""
    runs: list[Stage] = [run.stage for run in _stages(observed, wanted, comes) if run.runs and run.stage != "load"]
    seconds = {stage: _last_s(observed, stage) for stage in runs}
    if any(one is None for one in seconds.values()):
        return None
    total = cpu = gpu = 0.0
    for job in comes:
        if not isinstance(job, Job):
            continue
        stages: Sequence[Stage] = _BUILDING if job.kind == "build" else ("gate",)
        took = sum((seconds.get(stage) or 0.0) for stage in stages)
        total, cpu = total + took, cpu + took * job.cpus / 3600
        if job.kind == "build":
            gpu += took * wanted.train.resources.gpu * wanted.train.workers / 3600
    return Cost(total, cpu, gpu)


def _last_s(observed: Observed, stage: Stage) -> float | None:
    """Seconds that the stage took when it was last at work, as the reports of the jobs that are left tell it."""
    took = [
        summary.stage_seconds[stage]
        for record in observed.model.status.revisions
        for name in (record.name, record.gate)
        if (state := observed.jobs.get(name or "")) is not None
        and (summary := state.summary) is not None
        and stage in summary.stage_seconds
    ]
    return next((seconds for seconds in took if seconds >= _TOOK_WORK_S), took[0] if took else None)

"""The decision: from all that was observed to all that must exist, folding over the stages in order.

Called by reconcile, once a pass. Pure: no I/O, no clock, no chance; equal input gives an equal plan.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from lepton.compress.step import step as compress
from lepton.deploy.step import step as deploy
from lepton.gate.step import step as gate
from lepton.plan.conditions import dated
from lepton.plan.revision import decide
from lepton.plan.types import Fact, Observed, Plan, Ref, Situation, Step
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.status import RevisionRecord, Serving, Status
from lepton.train.step import step as train

STAGES: tuple[Callable[[Situation], Step], ...] = (train, compress, gate, deploy)
"""All stages, in the order in which data flows through them."""

DELETING_S = 1.0
"""How often a deletion under way is looked at."""


def make_plan(observed: Observed, now: float) -> Plan:
    """Decide everything anew from what is observed at `now` (seconds since the epoch)."""
    model = observed.model
    if model.metadata.deletion_timestamp is not None:
        return Plan(model.status, forget=not observed.owned, poll_s=DELETING_S)
    start, revisions = decide(observed, now)
    steps = _fold(start)
    target = steps[-1].target
    revisions = tuple(target if target and record.number == target.number else record for record in revisions)
    kept = observed.owned if target is None else _remembered(revisions)
    return Plan(
        status=_status(start, steps, revisions),
        desired=tuple(desired for step in reversed(steps) for desired in step.desired),  # what serves comes first
        keep=kept.union(*(step.keep for step in steps)),
        recheck_s=earliest(*(step.recheck_s for step in steps)),
        poll_s=earliest(*(step.poll_s for step in steps)),
    )


def earliest(*seconds: float | None) -> float | None:
    """The least of them; None where there is none."""
    return min((some for some in seconds if some is not None), default=None)


def _fold(situation: Situation) -> tuple[Step, ...]:
    """Each stage in turn, on what those before it made of the target."""
    steps: list[Step] = []
    for stage in STAGES:
        step = stage(situation)
        steps.append(step)
        situation = replace(situation, target=step.target, reached=situation.reached and step.done)
    return tuple(steps)


def _remembered(revisions: Iterable[RevisionRecord]) -> frozenset[Ref]:
    """The artifacts and proofs of remembered revisions. An unfinished build that is not wanted goes."""
    builds = {record.name for record in revisions if record.digest is not None}
    proofs = {record.gate for record in revisions if record.gate is not None}
    return frozenset(Ref("Job", name) for name in builds | proofs)


def _status(start: Situation, steps: tuple[Step, ...], revisions: tuple[RevisionRecord, ...]) -> Status:
    model = start.observed.model
    blocked = next((step for step in steps if not step.done), None)
    facts = (*(fact for step in steps for fact in step.facts), _ready(steps, blocked))
    serving = _serving(start, revisions)
    return Status(
        phase=_phase(start, blocked),
        observed_generation=model.metadata.generation,
        conditions=dated(facts, model.status.conditions, start.now),
        endpoint=start.observed.address if serving is not None else None,
        serving=serving,
        candidate=next((step.candidate for step in steps if step.candidate is not None), None),
        revisions=revisions,
    )


def _phase(start: Situation, blocked: Step | None) -> Phase:
    if start.spec.suspend:
        return Phase.SUSPENDED
    if blocked is None:
        return Phase.SERVING
    return Phase.FAILED if start.target is None or blocked.given_up else blocked.phase


def _ready(steps: tuple[Step, ...], blocked: Step | None) -> Fact:
    """Whether the target serves. If not: that what serves is failing, else the deepest cause."""
    serving = steps[-1].facts[-1]
    if blocked is None or blocked.cause is None:
        return Fact(ConditionType.READY, "True", Reason.SUCCEEDED, serving.message)
    cause = blocked.cause
    if serving.status == "False" and cause.type is not ConditionType.SERVING:
        also = f"; {_told(cause)}" if cause.status == "False" else ""
        return Fact(ConditionType.READY, "False", serving.reason, _told(serving) + also)
    still = "; users still get answers meanwhile" if serving.status == "True" else ""
    return Fact(ConditionType.READY, cause.status, cause.reason, _told(cause) + still)


def _told(fact: Fact) -> str:
    return fact.message if fact.type is ConditionType.READY else f"{fact.type}: {fact.message}"


def _serving(start: Situation, revisions: tuple[RevisionRecord, ...]) -> Serving | None:
    if start.incumbent is None or start.incumbent.digest is None:
        return None
    number = start.incumbent.number
    record = next((record for record in revisions if record.number == number), start.incumbent)
    size = record.metrics.get("sizeBytes")
    return Serving(
        revision=record.number,
        digest=start.incumbent.digest,
        accuracy=_rounded(record.metrics.get("accuracy"), 2),
        size_bytes=None if size is None else int(size),
        p50_ms=_rounded(record.metrics.get("p50Ms"), 3),
    )


def _rounded(figure: float | None, digits: int) -> float | None:
    """As `kubectl get` shows it; the record has it whole."""
    return None if figure is None else round(figure, digits)

"""Which revision shall serve, which one does, and which are remembered. Called by plan.fold.

A revision's name is a hash of all that its build depends on, so an edit makes a new one, an edit back finds the
old one again, and a repeated pass decides nothing twice.
"""

from collections.abc import Mapping

from lepton.hashing import short_hash
from lepton.plan.types import Fact, JobState, Observed, Situation
from lepton.spec.fields import timestamp
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.resource import LeptonModel, Spec
from lepton.spec.status import RevisionRecord

REMEMBERED = 10
BUILD_INPUTS = {"task", "data", "model", "train", "compress", "deploy"}
"""The sections of the spec that decide what a build makes; the others may change without a new revision."""

Revisions = tuple[RevisionRecord, ...]


def build_name(model: str, spec: Spec) -> str:
    """The name of the build job that the spec asks for.

    Defaults are left out, so that an upgrade of Lepton that adds a field to the spec trains nothing again.
    """
    spec = spec.model_copy(update={"deploy": spec.deploy.as_built()})
    inputs = spec.model_dump(mode="json", by_alias=True, include=BUILD_INPUTS, exclude_defaults=True)
    return f"{model}-build-{short_hash(inputs)}"


def decide(observed: Observed, now: float) -> tuple[Situation, Revisions]:
    """The target and the incumbent, and all remembered revisions, newest first, the target among them."""
    model = observed.model
    known = model.status.revisions
    serving = _incumbent(observed)
    fallback = serving or _sent(observed)
    target, trouble = _target(model, now)
    if target is not None and all(record.number != target.number for record in known):
        known = (target, *known)
    needed = {record.number for record in (fallback, target) if record is not None}
    kept = tuple(record for place, record in enumerate(known) if place < REMEMBERED or record.number in needed)
    start = Situation(observed, now, target, serving, fallback, trouble)
    if target is None:  # without an aim nothing is given up
        return start, kept
    return start, tuple(record if record == target else _settled(record, observed.jobs) for record in kept)


def _incumbent(observed: Observed) -> RevisionRecord | None:
    """The revision that the traffic goes to: what the server says, else (it may be down) what status remembers."""
    status = observed.model.status
    digest = observed.traffic.digest if observed.traffic is not None else None
    remembered = next((r for r in status.revisions if status.serving and r.number == status.serving.revision), None)
    if digest is None or (remembered is not None and remembered.digest == digest):
        return remembered
    return next((record for record in status.revisions if record.digest == digest), remembered)


def _sent(observed: Observed) -> RevisionRecord | None:
    """Where the traffic was sent before any was seen to arrive."""
    if all(ref.kind != "Traffic" for ref in observed.owned):
        return None
    return next((record for record in observed.model.status.revisions if record.outcome == "Passed"), None)


def _target(model: LeptonModel, now: float) -> tuple[RevisionRecord | None, Fact | None]:
    spec, known = model.spec, model.status.revisions
    name = build_name(model.metadata.name, spec)
    if spec.revision is not None:
        return _pinned(spec.revision, name, known)
    found = next((record for record in known if record.name == name), None)
    if found is not None:
        return found, None
    if spec.suspend:
        message = "nothing new is started: set spec.suspend to false to build what the spec asks for"
        return None, Fact(ConditionType.READY, "Unknown", Reason.SUSPENDED, message)
    number = 1 + max((record.number for record in known), default=0)
    record = RevisionRecord(
        number=number, name=name, cause="spec", created=timestamp(now), instances=spec.deploy.instances
    )
    return record, None


def _pinned(number: int, name: str, known: Revisions) -> tuple[RevisionRecord | None, Fact | None]:
    """A pinned revision must be there: it was built, or the spec at hand is what builds it."""
    found = next((record for record in known if record.number == number), None)
    if found is not None and (found.digest is not None or found.name == name):
        return found, None
    usable = ", ".join(str(record.number) for record in known if record.digest is not None) or "none yet"
    what = "has no artifact" if found is not None else "is not remembered"
    message = (
        f"spec.revision: revision {number} {what}; revisions that can be served: {usable}. Name one, or leave it out"
    )
    return None, Fact(ConditionType.READY, "False", Reason.REVISION_NOT_FOUND, message)


def _settled(record: RevisionRecord, jobs: Mapping[str, JobState]) -> RevisionRecord:
    """A revision that is not wanted now: what was unfinished is superseded, an artifact it made is remembered."""
    state = jobs.get(record.name)
    if record.digest is None and state is not None and state.summary is not None:
        made = {"artifact": state.summary.artifact, "digest": state.summary.digest, "metrics": state.summary.metrics}
        record = record.model_copy(update=made)
    return record.model_copy(update={"outcome": "Superseded"}) if record.outcome in ("Building", "Gating") else record

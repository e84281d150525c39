"""What a person is told in Events of a LeptonModel: each change of its status that matters, once, in a sentence. Pure.

Called by telling, with the status before and after a write; so whatever is not written anew is not told anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from lepton.backends.kubernetes.kinds import Kind, Object
from lepton.hashing import short_hash
from lepton.spec.reasons import ConditionType, Phase
from lepton.spec.status import Condition, Status

EVENT = Kind("events.k8s.io/v1", "Event", "events")
CONTROLLER = "leptonml.dev/operator"
_LONGEST_NOTE = 1024


@dataclass(frozen=True)
class Told:
    """One thing to tell."""

    type: Literal["Normal", "Warning"]
    reason: str
    note: str


def transitions(before: Status, after: Status) -> tuple[Told, ...]:
    """What came of it: revisions decided, conditions that came true or false, traffic moved; else the new phase."""
    return (*_decided(before, after), *_conditions(before, after), *_traffic(before, after)) or (
        *_phase(before, after),
    )


def is_progress(before: Status, after: Status) -> bool:
    """Whether nothing but words and figures changed: no decision, condition or phase."""
    return _without_words(before) == _without_words(after)


def event(model: Object, told: Told, now: float) -> Object:
    """The Event. Its name is a hash of what it tells, so that what comes again is found again."""
    metadata = model["metadata"]
    named = {name: metadata[name] for name in ("name", "namespace", "uid")}
    end = short_hash([metadata["uid"], told.type, told.reason, told.note])
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"name": f"{metadata['name']}.{end}", "namespace": metadata["namespace"]},
        "eventTime": moment(now),
        "reportingController": CONTROLLER,
        "reportingInstance": CONTROLLER,
        "action": "Reconcile",
        "type": told.type,
        "reason": told.reason,
        "note": told.note[:_LONGEST_NOTE],
        "regarding": {"apiVersion": model["apiVersion"], "kind": model["kind"], **named},
    }


def moment(now: float) -> str:
    """A time as Events have it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _decided(before: Status, after: Status) -> Iterator[Told]:
    known = {record.number for record in before.revisions}
    for record in reversed(after.revisions):
        if record.number not in known:
            yield Told("Normal", "RevisionDecided", f"revision {record.number} is to be built ({record.cause})")


def _conditions(before: Status, after: Status) -> Iterator[Told]:
    known = {one.type: (one.status, one.reason) for one in before.conditions}
    moved = _serves(before) != _serves(after)
    for one in after.conditions:
        if one.type is ConditionType.READY or known.get(one.type) == (one.status, one.reason):
            continue
        if one.status == "False":
            yield Told("Warning", one.reason, f"{one.type}: {one.message}")
        elif one.status == "True" and not (moved and one.type is ConditionType.SERVING):
            yield Told("Normal", one.type, one.message)


def _traffic(before: Status, after: Status) -> Iterator[Told]:
    old, new = _serves(before), _serves(after)
    if new not in (None, old):
        instead = f" instead of revision {old}" if old is not None else ""
        yield Told("Normal", "TrafficMoved", f"revision {new} answers the users{instead}")


def _phase(before: Status, after: Status) -> Iterator[Told]:
    was, ready = _ready(before), _ready(after)
    message = "" if ready is None else ready.message
    if after.phase is not before.phase:
        yield Told("Warning" if after.phase is Phase.FAILED else "Normal", after.phase, message)
    elif ready is not None and ready.status == "False" and (was is None or was.reason is not ready.reason):
        yield Told("Warning", ready.reason, message)


def _serves(status: Status) -> int | None:
    return None if status.serving is None else status.serving.revision


def _ready(status: Status) -> Condition | None:
    return next((one for one in status.conditions if one.type is ConditionType.READY), None)


def _without_words(status: Status) -> Status:
    conditions = tuple(one.model_copy(update={"message": ""}) for one in status.conditions)
    return status.model_copy(update={"conditions": conditions, "candidate": None})

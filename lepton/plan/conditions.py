"""From what the steps know to the conditions a person reads. Called by plan.fold and by the steps.

Unknown means on its way, False means that somebody or another try must act, as Knative and kstatus read it.
"""

from collections.abc import Iterable

from lepton.plan.types import Fact, Situation
from lepton.report import Failure
from lepton.spec.fields import timestamp
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.status import Condition, Status


def succeeded(kind: ConditionType, message: str) -> Fact:
    """It holds."""
    return Fact(kind, "True", Reason.SUCCEEDED, message)


def in_progress(kind: ConditionType, message: str) -> Fact:
    """It is being worked on."""
    return Fact(kind, "Unknown", Reason.IN_PROGRESS, message)


def failed(kind: ConditionType, failure: Failure, message: str | None = None) -> Fact:
    """It does not hold, for the reason that the failure gives."""
    return Fact(kind, "False", failure.reason, message or failure.message)


def waiting(kind: ConditionType, situation: Situation) -> Fact:
    """Its turn has not come: an earlier stage is not done, nothing may be started, or there is no target."""
    if situation.trouble is not None:
        return Fact(kind, "Unknown", situation.trouble.reason, situation.trouble.message)
    if situation.reached and situation.spec.suspend:
        return Fact(kind, "Unknown", Reason.SUSPENDED, "nothing new is started: set spec.suspend to false to go on")
    return Fact(
        kind, "Unknown", Reason.PENDING, "waits for the stages before it" if not situation.reached else "begins"
    )


def unready(status: Status, reason: Reason, message: str, now: float) -> Status:
    """The status of a model whose pass could not be made, and so has no plan: all as before, but not ready."""
    others = tuple(one for one in status.conditions if one.type != ConditionType.READY)
    fact = Fact(ConditionType.READY, "False", reason, message)
    return status.model_copy(update={"conditions": (*others, *dated((fact,), status.conditions, now))})


def dated(facts: Iterable[Fact], before: Iterable[Condition], now: float) -> tuple[Condition, ...]:
    """The facts as conditions; the time of transition moves only when the status does."""
    known = {condition.type: condition for condition in before}
    return tuple(_dated(fact, known.get(fact.type), now) for fact in facts)


def _dated(fact: Fact, before: Condition | None, now: float) -> Condition:
    if before is not None and (before.status, before.reason, before.message) == (
        fact.status,
        fact.reason,
        fact.message,
    ):
        return before
    unchanged = before is not None and before.status == fact.status
    return Condition(
        type=fact.type,
        status=fact.status,
        reason=fact.reason,
        message=fact.message,
        last_transition_time=before.last_transition_time if before is not None and unchanged else timestamp(now),
    )

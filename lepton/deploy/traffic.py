"""Where the name that users call shall point. Called by deploy.step; pure."""

from lepton.plan.pursue import SURROUNDINGS
from lepton.plan.types import EndpointState, Situation, Traffic
from lepton.spec.deploy import Deploy
from lepton.spec.status import RevisionRecord


def goal(situation: Situation) -> RevisionRecord | None:
    """The target once all stages before are done, else what serves; None before the first revision has passed."""
    target, fallback = situation.target, situation.fallback
    if target is None or target.digest is None or not situation.reached:
        return fallback
    if fallback is not None and fallback.number == target.number:
        return target
    if situation.spec.suspend and not situation.pinned:
        return fallback
    # a switch that failed must never be what keeps everything down: go back to what worked
    return fallback if fallback is not None and _cant_load(situation.observed.traffic) else target


def answers(state: EndpointState | None, revision: RevisionRecord) -> bool:
    """Whether users get this revision's answers now."""
    return state is not None and state.ready and state.digest == revision.digest


def traffic(model: str, revision: RevisionRecord | None, deploy: Deploy) -> tuple[Traffic, ...]:
    """The user-facing name pointed at the revision; nothing where there is no artifact to point it at."""
    if revision is None or revision.artifact is None or revision.digest is None:
        return ()
    return (Traffic(model, revision.number, revision.artifact, revision.digest, revision.instances, deploy),)


def _cant_load(state: EndpointState | None) -> bool:
    """Whether nothing answers because of what was to be loaded, not because the server itself is in trouble."""
    return (
        state is not None and not state.ready and state.failure is not None and state.failure.reason not in SURROUNDINGS
    )

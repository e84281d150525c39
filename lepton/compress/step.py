"""The second stage: the build job compresses and packages, and leaves an artifact. Called by plan.fold; pure."""

from lepton.plan.build import build_state, candidate, pursue_build, stage_fact
from lepton.plan.types import JobState, Situation, Step
from lepton.spec.reasons import ConditionType, Phase
from lepton.spec.status import RevisionRecord


def step(situation: Situation) -> Step:
    """Done once the artifact is there; the build that makes it is wanted by the stage before."""
    target = situation.target
    fact = stage_fact(ConditionType.COMPRESSED, ("compress", "package"), "the artifact is packaged", situation)
    if target is None:
        return Step(Phase.PENDING, (fact,), None, situation.trouble)
    state = build_state(situation, target)
    given_up = pursue_build(situation, target).given_up
    cause = fact if fact.status != "True" else None
    return Step(
        phase=Phase.COMPRESSING,
        facts=(fact,),
        target=_learnt(target, state, given_up),
        cause=cause,
        candidate=None if cause is None or given_up else candidate(target, "compress", state),
        given_up=given_up,
    )


def _learnt(target: RevisionRecord, state: JobState | None, given_up: bool) -> RevisionRecord:
    """The target with what its build made, or why it made nothing."""
    if target.digest is not None:
        return target
    if state is not None and state.summary is not None:
        made = state.summary
        artifact = {"artifact": made.artifact, "digest": made.digest, "metrics": made.metrics}
        return target.model_copy(update={"outcome": "Gating", "message": "", **artifact})
    failure = state.failure if state is not None else None
    message = failure.message if given_up and failure is not None else ""
    return target.model_copy(update={"outcome": "Failed" if given_up else "Building", "message": message})

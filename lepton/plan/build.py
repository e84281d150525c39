"""What is known of the target's build: one job that the stages data, train and compress share.

Called by the steps of training and compression, each of which speaks of its own part of it.
"""

from lepton.plan.conditions import failed, in_progress, succeeded, waiting
from lepton.plan.pursue import Pursuit, pursue, sentence
from lepton.plan.types import Fact, Job, JobState, Ref, Situation
from lepton.report import BuildStage
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.status import Candidate, RevisionRecord, Stage

ORDER: tuple[BuildStage, ...] = ("data", "train", "compress", "package")
"""The stages of a build."""


def build_job(situation: Situation, target: RevisionRecord) -> Job:
    """The job that builds the target from the spec at hand."""
    spec = situation.spec
    resources = spec.train.resources
    return Job(
        name=target.name,
        kind="build",
        model=situation.name,
        revision=target.number,
        arguments={
            "spec": spec.model_dump(mode="json", by_alias=True),
            "created": target.created,
        },
        cpus=(resources.cpu or 1.0) * spec.train.workers,
    )


def build_state(situation: Situation, target: RevisionRecord) -> JobState | None:
    """The build as observed. A recorded artifact ends it for ever, so that nothing is built twice."""
    if target.digest is not None:
        return JobState("Succeeded")
    return situation.observed.jobs.get(target.name)


def pursue_build(situation: Situation, target: RevisionRecord) -> Pursuit:
    """What to do about the build."""
    state = build_state(situation, target)
    if state is not None and state.phase == "Succeeded":
        return Pursuit(keep=frozenset({Ref("Job", target.name)}))
    job = build_job(situation, target)
    may_start = not situation.spec.suspend
    return pursue(job, state, situation.now, may_start, situation.retried_at)


def stage_fact(kind: ConditionType, stages: tuple[BuildStage, ...], done: str, situation: Situation) -> Fact:
    """What the condition says that is about these stages of the build; `done` is its sentence once they are done."""
    target = situation.target
    state = build_state(situation, target) if target is not None else None
    if target is None or state is None:
        return waiting(kind, situation)
    if state.phase == "Succeeded" or _place(state) > ORDER.index(stages[-1]):
        return succeeded(kind, done)
    if _place(state) < ORDER.index(stages[0]):
        return Fact(kind, "Unknown", Reason.PENDING, f"waits for the stage {stage_of(state)} of the build")
    pursuit = pursue_build(situation, target)
    if pursuit.failure is not None:
        return failed(kind, pursuit.failure, sentence(pursuit.failure, pursuit.given_up, state.attempt))
    if state.trouble is not None:
        return failed(kind, state.trouble)
    return in_progress(kind, doing(state))


def stage_of(state: JobState) -> BuildStage:
    """The stage of the build that is at work or failed."""
    if state.failure is not None and state.failure.stage in ORDER:
        return state.failure.stage
    if state.progress is not None and state.progress.stage in ORDER:
        return state.progress.stage
    return ORDER[0]


def doing(state: JobState) -> str:
    """What the job does now."""
    if state.progress is not None and state.progress.message:
        return state.progress.message
    if state.phase == "Running":
        return "starts"
    return f"waits for {state.waits_for}" if state.waits_for else "waits for its turn"


def candidate(target: RevisionRecord, stage: Stage, state: JobState | None) -> Candidate:
    """How far the target is in this stage, as its job tells it."""
    progress = state.progress if state is not None else None
    if state is None or progress is None:
        return Candidate(revision=target.number, stage=stage, message="begins" if state is None else doing(state))
    return Candidate(
        revision=target.number,
        stage=progress.stage,
        progress=progress.fraction,
        message=progress.message,
        seconds_left=progress.seconds_left,
    )


def _place(state: JobState) -> int:
    return ORDER.index(stage_of(state))

"""The first stage: the build job makes the data ready and trains. Called by plan.fold; pure."""

from lepton.plan.build import build_state, candidate, pursue_build, stage_fact
from lepton.plan.types import Situation, Step
from lepton.spec.reasons import ConditionType, Phase, Reason


def step(situation: Situation) -> Step:
    """Want the build until it has an artifact; done once the network is trained."""
    target = situation.target
    data = stage_fact(ConditionType.DATA_READY, ("data",), "the data is prepared", situation)
    trained = stage_fact(ConditionType.TRAINED, ("train",), "the network is trained", situation)
    cause = next((fact for fact in (data, trained) if fact.status != "True"), None)
    if target is None:
        return Step(Phase.PENDING, (data, trained), None, situation.trouble)
    state = build_state(situation, target)
    pursuit = pursue_build(situation, target)
    at_work = cause is not None and cause.reason is not Reason.SUSPENDED and not pursuit.given_up
    return Step(
        phase=Phase.PENDING if state is None else Phase.TRAINING,
        facts=(data, trained),
        target=target,
        cause=cause,
        desired=pursuit.desired,
        keep=pursuit.keep,
        candidate=candidate(target, "data", state) if at_work else None,
        given_up=pursuit.given_up,
        recheck_s=pursuit.recheck_s,
        poll_s=pursuit.poll_s,
    )

"""The last stage: the name that users call goes to the target once it is proved, and stays where it is until then.

Called by plan.fold; pure. One revision is wanted at a time, and a switch that fails leaves the old one.
"""

from lepton.deploy.traffic import answers, goal, traffic
from lepton.plan.conditions import failed, in_progress, succeeded, waiting
from lepton.plan.types import EndpointState, Fact, Situation, Step
from lepton.spec.reasons import ConditionType, Phase
from lepton.spec.status import Candidate, RevisionRecord

SERVING = ConditionType.SERVING
AGAIN = "; the switch is tried again by itself"
SWITCHING_S = 0.5
"""How often a switch under way is looked at."""
RETRY_S = 15.0
"""How often a switch that failed is tried again."""
HEALTH_S = 10.0
"""How often what serves is looked at."""


def step(situation: Situation) -> Step:
    """Done once the target answers the users."""
    wanted = goal(situation)
    cause = _cause(situation, wanted)
    return Step(
        phase=Phase.DEPLOYING,
        facts=(_serving(situation, wanted),),
        target=situation.target,
        cause=cause,
        desired=traffic(situation.name, wanted, situation.spec.deploy),
        candidate=_candidate(situation, wanted, cause),
        poll_s=_poll(situation, wanted, cause),
    )


def _serving(situation: Situation, wanted: RevisionRecord | None) -> Fact:
    """Whether users get answers, from whichever revision."""
    state = situation.observed.traffic
    if wanted is None:
        return waiting(SERVING, situation)
    if state is not None and not state.ready and state.failure is not None:
        return failed(SERVING, state.failure, f"{state.failure.message}; loading is tried again by itself")
    incumbent, target = situation.incumbent, situation.target
    if incumbent is None or not answers(state, incumbent):
        return in_progress(SERVING, _awaited(state) or f"revision {wanted.number} is being loaded")
    if target is not None and target.number != incumbent.number:
        return succeeded(SERVING, f"revision {incumbent.number} answers until revision {target.number} is proved")
    return succeeded(SERVING, f"revision {incumbent.number} answers")


def _cause(situation: Situation, wanted: RevisionRecord | None) -> Fact | None:
    """Why the target does not have the traffic, or not as the spec wants it; None when all is as it says."""
    target, state = situation.target, situation.observed.traffic
    if target is None:
        return situation.trouble
    if state is not None and answers(state, target):
        return None if state.failure is None else failed(SERVING, state.failure, f"{state.failure.message}{AGAIN}")
    if wanted is None or (situation.spec.suspend and wanted.number != target.number):
        return waiting(SERVING, situation)
    if state is not None and state.failure is not None:
        return failed(SERVING, state.failure, f"{state.failure.message}{AGAIN}")
    return in_progress(SERVING, _awaited(state) or f"the traffic is being switched to revision {target.number}")


def _awaited(state: EndpointState | None) -> str:
    """Who else must act, in a sentence; empty where it only needs time."""
    return f"waits for {state.waits_for}" if state is not None and state.waits_for else ""


def _candidate(situation: Situation, wanted: RevisionRecord | None, cause: Fact | None) -> Candidate | None:
    """The target while the traffic moves to it."""
    target, incumbent = situation.target, situation.incumbent
    if cause is None or target is None or wanted is None or wanted.number != target.number or not situation.reached:
        return None
    if incumbent is not None and incumbent.number == target.number:
        return None
    return Candidate(revision=target.number, stage="load", message=cause.message)


def _poll(situation: Situation, wanted: RevisionRecord | None, cause: Fact | None) -> float | None:
    state = situation.observed.traffic
    if wanted is None:
        return None
    if state is not None and state.failure is not None and cause is not None:
        return RETRY_S
    return HEALTH_S if answers(state, wanted) else SWITCHING_S

"""The third stage: the candidate is loaded at no traffic beside the uncompressed model, and a job proves it there.

Called by plan.fold; pure. What was proved once under the same budgets is never proved again.
"""

from lepton.hashing import short_hash
from lepton.plan.build import candidate, doing
from lepton.plan.conditions import failed, in_progress, succeeded, waiting
from lepton.plan.pursue import Pursuit, pursue, sentence
from lepton.plan.types import Endpoint, EndpointState, Fact, Job, JobState, Situation, Step
from lepton.report import CheckResult, Failure
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.status import Candidate, RevisionRecord

GATE = ConditionType.GATE_PASSED
LOADING_S = 0.5
"""How often a loading endpoint is looked at."""
RELOAD_S = 15.0
"""How often an endpoint that can't be loaded is tried again."""


def step(situation: Situation) -> Step:
    """Done once the target has passed under the budgets of the spec at hand (or ever, when it is pinned)."""
    target = situation.target
    if target is None or target.digest is None:
        return Step(Phase.GATING, (waiting(GATE, situation),), target, waiting(GATE, situation))
    job = _gate_job(situation, target)
    state = situation.observed.jobs.get(job.name)
    target = _judged(target, job, state)
    keep = frozenset({job.ref})
    if target.outcome == "Passed" and (situation.pinned or target.gate == job.name):
        fact = succeeded(GATE, f"revision {target.number} met every budget at its endpoint")
        return Step(Phase.GATING, (fact,), target, keep=keep)
    if target.outcome == "Failed" and target.gate == job.name:
        fact = Fact(GATE, "False", _verdict_reason(state), target.message)
        return Step(Phase.GATING, (fact,), target, fact, keep=keep, given_up=True)
    return _prove(situation, target, job, state)


def _gate_job(situation: Situation, target: RevisionRecord) -> Job:
    """The proof. Its name is a hash of the artifact and the budgets, so that other budgets make another proof."""
    gate = situation.spec.gate
    budgets = gate.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    inputs = short_hash({"digest": target.digest, "gate": budgets})
    return Job(
        name=f"{situation.name}-gate-{inputs}",
        kind="gate",
        model=situation.name,
        revision=target.number,
        arguments={
            "artifact": target.artifact,
            "digest": target.digest,
            "gate": gate.model_dump(mode="json", by_alias=True),
            "candidate": f"{situation.name}-candidate-{inputs}",
            "baseline": f"{situation.name}-baseline-{inputs}",
        },
        cpus=1.0,
    )


def _judged(target: RevisionRecord, job: Job, state: JobState | None) -> RevisionRecord:
    """The target with the verdict of its proof. Until there is one, an earlier pass stands."""
    if target.gate == job.name and target.outcome in ("Passed", "Failed"):
        return target
    if state is None or state.summary is None:
        return target if target.outcome == "Passed" else target.model_copy(update={"outcome": "Gating", "message": ""})
    broken = _broken(state)
    verdict = {
        "outcome": "Failed" if broken else "Passed",
        "message": "; ".join(check.message for check in broken),
        "gate": job.name,
        "metrics": {**target.metrics, **state.summary.metrics},
    }
    return target.model_copy(update=verdict)


def _broken(state: JobState) -> tuple[CheckResult, ...]:
    checks = state.summary.checks if state.summary is not None else ()
    return tuple(check for check in checks if not check.passed)


def _verdict_reason(state: JobState | None) -> Reason:
    digest = state is not None and any(check.name == "digest" for check in _broken(state))
    return Reason.DIGEST_MISMATCH if digest else Reason.BUDGET_NOT_MET


def _prove(situation: Situation, target: RevisionRecord, job: Job, state: JobState | None) -> Step:
    """Load candidate and baseline, and once both answer let the job measure them."""
    endpoints = _endpoints(situation, job, target)
    loading = _loading(situation, target, endpoints)
    # one that loaded something else is not wanted, so that it goes and the next pass loads it anew
    endpoints = tuple(e for e in endpoints if not _is_another(situation.observed.endpoints.get(e.name), target))
    may_start = not situation.spec.suspend and loading is None
    pursuit = pursue(job, state, situation.now, may_start, situation.retried_at)
    fact = _fact(situation, state, loading, pursuit)
    refs = frozenset(endpoint.ref for endpoint in endpoints)
    wanted = not pursuit.given_up and not situation.spec.suspend
    if pursuit.given_up and pursuit.failure is not None and target.outcome != "Passed":
        target = target.model_copy(update={"outcome": "Failed", "message": pursuit.failure.message})
    return Step(
        phase=Phase.GATING,
        facts=(fact,),
        target=target,
        cause=fact,
        desired=(*endpoints, *pursuit.desired) if wanted else (),
        keep=pursuit.keep if pursuit.given_up else pursuit.keep | refs,
        candidate=None if pursuit.given_up or fact.reason is Reason.SUSPENDED else _candidate(target, loading, state),
        given_up=pursuit.given_up,
        recheck_s=pursuit.recheck_s,
        poll_s=_poll(loading, pursuit),
    )


def _endpoints(situation: Situation, job: Job, target: RevisionRecord) -> tuple[Endpoint, ...]:
    of_target = (str(job.arguments["artifact"]), str(job.arguments["digest"]), target.instances, situation.spec.deploy)
    return (
        Endpoint(str(job.arguments["candidate"]), job.model, target.number, "served", *of_target),
        Endpoint(str(job.arguments["baseline"]), job.model, target.number, "baseline", *of_target),
    )


def _loading(situation: Situation, target: RevisionRecord, endpoints: tuple[Endpoint, ...]) -> Fact | None:
    """Why the endpoints don't answer yet; None when both do."""
    states = [situation.observed.endpoints.get(endpoint.name) for endpoint in endpoints]
    for state in states:
        if state is not None and state.failure is not None:
            return failed(GATE, state.failure, f"{state.failure.message}; loading is tried again by itself")
        if _is_another(state, target):
            message = (
                f"the server loaded other files than the build made ({target.digest}); loading is tried again by itself"
            )
            return failed(GATE, Failure(reason=Reason.DIGEST_MISMATCH, message=message))
    if all(state is not None and state.ready for state in states):
        return None
    waits_for = next((state.waits_for for state in states if state is not None and state.waits_for), "")
    told = f"the candidate waits for {waits_for}" if waits_for else "the candidate is being loaded, at no traffic"
    return in_progress(GATE, told)


def _is_another(state: EndpointState | None, target: RevisionRecord) -> bool:
    return state is not None and state.ready and state.digest != target.digest


def _fact(situation: Situation, state: JobState | None, loading: Fact | None, pursuit: Pursuit) -> Fact:
    if pursuit.failure is not None:
        attempt = state.attempt if state is not None else 0
        return failed(GATE, pursuit.failure, sentence(pursuit.failure, pursuit.given_up, attempt))
    if state is None and situation.spec.suspend:
        return waiting(GATE, situation)
    if loading is not None:
        return loading
    if state is not None and state.trouble is not None:
        return failed(GATE, state.trouble)
    return in_progress(GATE, "the proof begins" if state is None else doing(state))


def _candidate(target: RevisionRecord, loading: Fact | None, state: JobState | None) -> Candidate:
    if state is None and loading is not None:
        return Candidate(revision=target.number, stage="load", message=loading.message)
    return candidate(target, "gate", state)


def _poll(loading: Fact | None, pursuit: Pursuit) -> float | None:
    if pursuit.given_up:
        return None
    if loading is None:
        return pursuit.poll_s
    return RELOAD_S if loading.status == "False" else LOADING_S

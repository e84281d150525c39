"""Following one job to its end: start it, let it run, try again after a failure that another try may mend.

Called by the steps that own a job. The delay before another try doubles, and is spread by a hash of the name
rather than by chance, so that the same state always gives the same plan.
"""

import hashlib
from dataclasses import dataclass, replace

from lepton.plan.types import Job, JobState, Ref
from lepton.report import Failure
from lepton.spec.reasons import FINAL_REASONS, Reason

MAX_ATTEMPTS = 6
MAX_DELAY_S = 300.0
WATCH_S = 1.0
"""How often a job at work is looked at by who is not told of it."""
SURROUNDINGS = frozenset(
    {Reason.DISK_FULL, Reason.PORT_BUSY, Reason.STORE_UNWRITABLE, Reason.SERVER_UNAVAILABLE, Reason.ROUTE_REFUSED}
)
"""The machine's troubles, not the job's: tried for as long as it takes, since they end without a change of the spec."""


@dataclass(frozen=True)
class Pursuit:
    """What to do about a job now."""

    desired: tuple[Job, ...] = ()
    keep: frozenset[Ref] = frozenset()
    recheck_s: float | None = None
    """See Plan."""
    poll_s: float | None = None
    """See Plan."""
    failure: Failure | None = None
    """Why it failed; None while it is at work and when it succeeded."""
    given_up: bool = False
    """Whether nothing more is tried until the spec changes or a person asks for it."""


def delay_s(name: str, attempt: int) -> float:
    """Seconds from the end of this failed attempt (0 is the first) to the next: 1, 2, 4, ... 300, spread by 25 %."""
    digest = hashlib.sha256(f"{name}/{attempt}".encode()).digest()
    spread = int.from_bytes(digest[:4], "big") / 2**32
    return min(MAX_DELAY_S, 2.0 ** min(attempt, 20)) * (0.75 + 0.5 * spread)


def pursue(job: Job, state: JobState | None, now: float, may_start: bool, retried_at: float | None = None) -> Pursuit:
    """Decide about the job from its state; without `may_start` what runs goes on and nothing else begins.

    `retried_at` is when a person last asked for another try, in seconds since the epoch: a failure from before that
    moment is neither final nor waited for.
    """
    kept = frozenset({job.ref})
    if state is None:
        return Pursuit((job,), poll_s=WATCH_S) if may_start else Pursuit()
    if state.phase == "Succeeded":
        return Pursuit(keep=kept)
    if state.phase != "Failed":
        running = (replace(job, attempt=state.attempt),) if may_start else ()
        return Pursuit(running, kept, poll_s=WATCH_S)
    failure = state.failure or Failure(reason=Reason.JOB_FAILED, message="the job ended without a word")
    asked = state.finished_at is not None and retried_at is not None and state.finished_at < retried_at <= now
    if not asked and _final(failure, state.attempt):
        return Pursuit(keep=kept, failure=failure, given_up=True)
    due = (now if state.finished_at is None else state.finished_at) + delay_s(job.name, state.attempt)
    if not asked and now < due:
        return Pursuit(keep=kept, recheck_s=due - now, failure=failure)
    again = (replace(job, attempt=state.attempt + 1),) if may_start else ()
    return Pursuit(again, kept, poll_s=WATCH_S, failure=failure)


def sentence(failure: Failure, given_up: bool, attempt: int) -> str:
    """Why the job failed and what happens next, for a person."""
    told = failure.message
    if failure.reason in FINAL_REASONS | SURROUNDINGS:  # these sentences say themselves how it goes on
        return told
    if given_up:
        return f"{told}; given up after {attempt + 1} tries: see `lepton logs`, then apply it again to try once more"
    return f"{told}; try {attempt + 2} follows by itself"


def _final(failure: Failure, attempt: int) -> bool:
    if failure.reason in FINAL_REASONS:
        return True
    return failure.reason not in SURROUNDINGS and attempt + 1 >= MAX_ATTEMPTS

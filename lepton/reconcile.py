"""One pass over one LeptonModel: observe, decide, report, apply, delete. Called by a backend's loop.

It holds no decision (those are in plan.fold) and no knowledge of any system (that is behind Backend).
"""

from collections.abc import Callable
from typing import Protocol

from lepton.plan.fold import make_plan
from lepton.plan.types import Desired, Key, Observed, Ref
from lepton.spec.status import Status

Clock = Callable[[], float]
"""Seconds since the epoch."""


class Backend(Protocol):
    """A place where models live. Every method may be cut short at any moment and is safe to repeat.

    What a person or another try can mend never leaves `apply` or `delete` as an exception: it is kept with the
    object and shows in the next observation (JobState.failure, EndpointState.failure), so that the plan can give
    it a condition. Whatever is raised is the loop's to log, count and retry with backoff.
    """

    async def observe(self, key: Key) -> Observed | None:
        """Everything that a decision may depend on; None when there is no such resource."""

    async def report(self, key: Key, status: Status, resource_version: int) -> bool:
        """Write the status. False, and nothing written, when the resource is no longer at resource_version."""

    async def apply(self, key: Key, desired: Desired) -> None:
        """Make it exist. What exists by that name stays as it is, except that

        a Job with a higher attempt replaces the run that failed (its checkpoints stay), and
        a Traffic with another digest is switched atomically; until the new one answers the old one does.
        A run that got lost and an endpoint that is not loaded are begun again.
        """

    async def delete(self, key: Key, ref: Ref) -> None:
        """Stop it and remove it; a build's artifact goes too. Nothing happens when it is not there."""

    async def forget(self, key: Key) -> None:
        """Remove the resource itself, and whatever was cached for it."""


async def reconcile(key: Key, backend: Backend, clock: Clock) -> float | None:
    """Bring the world one step closer to the spec; the seconds after which to look again, None for on a change."""
    observed = await backend.observe(key)
    if observed is None:
        return None
    plan = make_plan(observed, clock())
    if plan.forget:
        await backend.forget(key)
        return None
    model = observed.model
    # decisions first: what is begun below must be remembered even if this process dies before it ends
    if plan.status != model.status and not await backend.report(key, plan.status, model.metadata.resource_version):
        return 0.0
    for desired in plan.desired:
        await backend.apply(key, desired)
    for ref in sorted(observed.owned - plan.refs):
        await backend.delete(key, ref)
    return plan.recheck_s

"""One pass over one LeptonModel: observe, decide, report, apply, delete. Called by a backend's loop.

It holds no decision (those are in plan.fold) and no knowledge of any system (that is behind Backend).
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from lepton.errors import LeptonError
from lepton.plan.fold import earliest, make_plan
from lepton.plan.types import Desired, Key, Observed, Ref
from lepton.spec.status import Status

Clock = Callable[[], float]
"""Seconds since the epoch."""


class Backend(Protocol):
    """A place where models live. Every method may be cut short at any moment and is safe to repeat.

    What a person or another try can mend never leaves `apply` as an exception: it is kept with the object and shows
    in the next observation (JobState.failure, EndpointState.failure), so that the plan can give it a condition.
    From `delete` it comes as a LeptonError: what is not wanted any more has no condition. Whatever is raised is the
    loop's to log, count and retry with backoff.
    """

    @property
    def is_told(self) -> bool:
        """Whether a pass follows by itself upon whatever changes, other passes' writes included; else passes poll."""

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
        """Stop it and remove it; a build's artifact goes too. Nothing happens when it is not there.

        Raises LeptonError when it can't be removed yet; it is then still owned.
        """

    async def forget(self, key: Key) -> None:
        """Remove what lies in the artifact store, the resource itself, and whatever was cached for it.

        Where the first takes its time, the resource stays until a later pass asks again.
        """


async def reconcile(key: Key, backend: Backend, clock: Clock) -> float | None:
    """Bring the world one step closer to the spec. Returns the seconds after which to look again, None for on a change.

    Raises LeptonError when something that is not wanted can't be deleted yet; all else is done then.
    """
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
        return None if backend.is_told else 0.0
    for desired in plan.desired:
        await backend.apply(key, desired)
    await _delete_all(key, observed.owned - plan.refs, backend)
    return plan.recheck_s if backend.is_told else earliest(plan.recheck_s, plan.poll_s)


async def _delete_all(key: Key, refs: Iterable[Ref], backend: Backend) -> None:
    """Delete each, whatever becomes of the others. Raises the first LeptonError at the end."""
    refusals: list[LeptonError] = []
    for ref in sorted(refs):
        try:
            await backend.delete(key, ref)
        except LeptonError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]

"""One pass over a model, beyond what every backend promises: what refuses to go keeps nothing else."""

import pytest

from lepton.backends.memory import MemoryBackend
from lepton.errors import LeptonError
from lepton.plan.types import Endpoint, Job, JobState, Key, Ref, Traffic
from lepton.reconcile import reconcile
from lepton.spec.reasons import Reason
from tests.unit.plan.life import now_or_never, spec

KEY = Key("default", "digits")
BUILDS = ("digits-build-1", "digits-build-2")
DIGEST = "sha256:1"


class RefusedBackend(MemoryBackend):
    """Its bucket refuses to let a build's artifact go."""

    async def delete(self, key: Key, ref: Ref) -> None:
        """See Backend."""
        if ref.kind == "Job":
            raise LeptonError(Reason.STORE_UNWRITABLE, f"may not remove {ref.name}")
        await super().delete(key, ref)


def test_an_artifact_that_cant_be_removed_does_not_keep_a_deleted_model_serving() -> None:
    backend = RefusedBackend(clock=lambda: 0.0)
    backend.put(KEY, spec())
    for name in BUILDS:
        job = Job(name=name, kind="build", model=KEY.name, revision=1, arguments={}, cpus=1.0)
        backend.worlds[KEY].jobs[name] = (job, JobState("Succeeded"))
    for desired in (
        Endpoint("digits-candidate-1", KEY.name, 1, "served", "memory://1", DIGEST, 1),
        Traffic(KEY.name, 1, "memory://1", DIGEST, 1),
    ):
        now_or_never(backend.apply(KEY, desired))
    backend.mark_deleted(KEY, "2026-01-01T00:00:00Z")
    with pytest.raises(LeptonError, match=r"^may not remove digits-build-1$"):
        now_or_never(reconcile(KEY, backend, backend.clock))
    seen = now_or_never(backend.observe(KEY))
    assert seen is not None
    assert seen.owned == {Ref("Job", name) for name in BUILDS}

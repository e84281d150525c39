"""Whether what lies in the artifact store may go, or has gone: all of a deleted model, or a forgotten build. Pure.

The backend asks before it lets a model go, and running before it removes a build or begins one anew.
"""

from lepton.backends.kubernetes.health import trouble
from lepton.backends.kubernetes.jobs import is_failed
from lepton.backends.kubernetes.kinds import JOB, POD, Object
from lepton.backends.kubernetes.names import FINALIZER, JOB_LABEL, KEEP_ARTIFACTS
from lepton.backends.kubernetes.nodes import silence
from lepton.backends.kubernetes.workloads import Owned, labels_of
from lepton.report import Failure

LET_IT_GO = f"to delete the model all the same and leave its artifacts, annotate it with {KEEP_ARTIFACTS}=true"
"""What a person can do where they can't be removed."""
_JOB_NAME = "batch.kubernetes.io/job-name"
"""Label that Kubernetes gives the pods of a Job."""
_ENDED = ("Succeeded", "Failed")


def has_left_something(model: Object) -> bool:
    """Whether anything may lie in the store that is to be removed."""
    built = bool(model.get("status", {}).get("revisions"))
    return built and FINALIZER in model["metadata"].get("finalizers", ()) and not _keeps(model)


def lets_forget(model: Object) -> bool:
    """Whether the artifact of a forgotten build is to be removed: neither kept, nor about to go with all others."""
    return "deletionTimestamp" not in model["metadata"] and not _keeps(model)


def is_still_written(cleanup: str, owned: Owned) -> bool:
    """Whether a pod of a job of the model is there that could write after the cleanup."""
    return bool(_writers(cleanup, owned))


def is_at_work(removal: str, owned: Owned) -> bool:
    """Whether a pod of a Job is there that removes something."""
    return any(labels_of(pod).get(_JOB_NAME) == removal for pod in owned(POD).values())


def is_done(cleanup: str, owned: Owned) -> bool:
    """Whether all has been removed."""
    job = owned(JOB).get(cleanup, {})
    conditions = job.get("status", {}).get("conditions", ())
    return any(one["type"] == "Complete" and one["status"] == "True" for one in conditions)


def has_given_up(cleanup: str, owned: Owned) -> bool:
    """Whether the Job has failed for good, and another must take its place."""
    job = owned(JOB).get(cleanup)
    return job is not None and is_failed(job)


def what_hinders(cleanup: str, owned: Owned) -> Failure | None:
    """Why the Job does not get on, or can't be begun, and how the model can go without it."""
    pods = [pod for pod in owned(POD).values() if labels_of(pod).get(JOB_LABEL) == cleanup]
    lost = next(filter(None, map(silence, _writers(cleanup, owned))), None)
    failure = lost or trouble(pods, owned(JOB).get(cleanup))
    return None if failure is None else explained(failure)


def explained(failure: Failure) -> Failure:
    """The failure with the way out."""
    message = f"the model's artifacts can't be removed: {failure.message}; {LET_IT_GO}"
    return failure.model_copy(update={"message": message})


def _keeps(model: Object) -> bool:
    return bool(model["metadata"].get("annotations", {}).get(KEEP_ARTIFACTS) == "true")


def _writers(cleanup: str, owned: Owned) -> list[Object]:
    """The pods of the model's jobs that have not ended."""
    pods = [pod for pod in owned(POD).values() if labels_of(pod).get(JOB_LABEL, cleanup) != cleanup]
    return [pod for pod in pods if pod.get("status", {}).get("phase") not in _ENDED]

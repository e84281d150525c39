"""Whether a deleted LeptonModel may go: nothing of it is left in the artifact store, or nobody shall look. Pure."""

from lepton.backends.kubernetes.health import trouble
from lepton.backends.kubernetes.jobs import is_failed
from lepton.backends.kubernetes.kinds import JOB, POD, Object
from lepton.backends.kubernetes.names import FINALIZER, JOB_LABEL, KEEP_ARTIFACTS
from lepton.backends.kubernetes.workloads import Owned, labels_of
from lepton.report import Failure

LET_IT_GO = f"to delete the model all the same and leave its artifacts, annotate it with {KEEP_ARTIFACTS}=true"
"""What a person can do where they can't be removed."""
_ENDED = ("Succeeded", "Failed")


def has_left_something(model: Object) -> bool:
    """Whether anything may lie in the store that is to be removed."""
    metadata = model["metadata"]
    keep = metadata.get("annotations", {}).get(KEEP_ARTIFACTS) == "true"
    built = bool(model.get("status", {}).get("revisions"))
    return built and FINALIZER in metadata.get("finalizers", ()) and not keep


def is_still_written(cleanup: str, owned: Owned) -> bool:
    """Whether a pod of a job of the model is there that could write after the cleanup."""
    return any(
        labels_of(pod).get(JOB_LABEL, cleanup) != cleanup and pod.get("status", {}).get("phase") not in _ENDED
        for pod in owned(POD).values()
    )


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
    """Why the Job does not get on, and how the model can go without it."""
    pods = [pod for pod in owned(POD).values() if labels_of(pod).get(JOB_LABEL) == cleanup]
    failure = trouble(pods, owned(JOB).get(cleanup))
    return None if failure is None else explained(failure)


def explained(failure: Failure) -> Failure:
    """The failure with the way out."""
    message = f"the model's artifacts can't be removed: {failure.message}; {LET_IT_GO}"
    return failure.model_copy(update={"message": message})

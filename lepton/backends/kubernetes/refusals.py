"""What the API server would not take, in words, and how it shows in the next observation. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from lepton.backends.kubernetes.client import ApiError, NotInstalled, Taken
from lepton.backends.kubernetes.kinds import GRPC_ROUTE, HTTP_ROUTE, INFERENCE_SERVICE, RAY_JOB, RAY_SERVICE
from lepton.plan.types import EndpointState, JobState, Observed, Ref
from lepton.report import Failure
from lepton.spec.reasons import Reason

_NO_GATEWAY_API = (
    "the Gateway API is not installed on this cluster: install it, or take the gateway out of the chart's values"
)
_MISSING = {
    RAY_JOB: "KubeRay is not installed on this cluster: install it; the work then goes on by itself",
    RAY_SERVICE: "KubeRay is not installed on this cluster: install it, or let deploy.engine be auto or triton",
    HTTP_ROUTE: _NO_GATEWAY_API,
    GRPC_ROUTE: _NO_GATEWAY_API,
    INFERENCE_SERVICE: "KServe is not installed on this cluster: install it, or let deploy.engine be auto or triton",
}
"""What to do where a part of the cluster is missing."""
NAMESPACE_GOES = "because it is being terminated"
"""What the API server says of anything new in a namespace that is being deleted, and the claim in it too."""
_WEBHOOK = "failed calling webhook"
"""What the API server says when somebody who has a say in an object, such as KServe, does not answer."""
_REFUSED = frozenset({400, 403, 404, 422})


def is_refusal(error: ApiError) -> bool:
    """Whether it was refused for what it is, so that a person must hear of it; else another try may do."""
    return error.status in _REFUSED or _WEBHOOK in error.message or isinstance(error, Taken)


def refusal(error: ApiError, what: str) -> Failure:
    """The reason, and a sentence with what to do; `what` names the object."""
    message = f"the API server refuses {what}: {error.message}"
    if isinstance(error, NotInstalled) and error.kind in _MISSING:
        return Failure(reason=Reason.NOT_INSTALLED, message=_MISSING[error.kind])
    if isinstance(error, Taken):
        return Failure(reason=Reason.LOAD_FAILED, message=error.message)
    if _WEBHOOK in error.message:
        return Failure(reason=Reason.SERVER_UNAVAILABLE, message=f"{message}; it is tried again by itself")
    if error.status == 403 and "exceeded quota" in error.message:
        return Failure(reason=Reason.QUOTA_EXCEEDED, message=f"{message}: free some of it, or raise the quota")
    return Failure(reason=Reason.LOAD_FAILED, message=message)


def with_refusals(seen: Observed, refusals: Mapping[Ref, Failure]) -> Observed:
    """The observation with what the API server would not take."""
    if not refusals:
        return seen
    jobs, endpoints, traffic = dict(seen.jobs), dict(seen.endpoints), seen.traffic
    for ref, failure in refusals.items():
        if ref.kind == "Job":
            jobs[ref.name] = replace(jobs.get(ref.name, JobState("Pending")), trouble=failure)
        elif ref.kind == "Endpoint":
            endpoints[ref.name] = EndpointState(ready=False, failure=failure)
        else:
            traffic = replace(traffic or EndpointState(ready=False), failure=failure)
    return replace(seen, jobs=jobs, endpoints=endpoints, traffic=traffic, owned=seen.owned | refusals.keys())

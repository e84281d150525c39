"""What the API server would not take, as a person reads it."""

import pytest

from lepton.backends.kubernetes.client import ApiError, NotInstalled, Taken
from lepton.backends.kubernetes.kinds import DEPLOYMENT, GRPC_ROUTE, INFERENCE_SERVICE, RAY_JOB, SERVICE
from lepton.backends.kubernetes.refusals import is_refusal, refusal
from lepton.spec.reasons import Reason

WEBHOOK = 'Internal error occurred: failed calling webhook "inferenceservice": connection refused'


@pytest.mark.parametrize(
    ("error", "reason", "told"),
    [
        (NotInstalled(RAY_JOB), Reason.NOT_INSTALLED, "KubeRay is not installed on this cluster"),
        (NotInstalled(INFERENCE_SERVICE), Reason.NOT_INSTALLED, "let deploy.engine be auto or triton"),
        (NotInstalled(GRPC_ROUTE), Reason.NOT_INSTALLED, "take the gateway out of the chart's values"),
        (NotInstalled(DEPLOYMENT), Reason.LOAD_FAILED, "it knows no deployments of apps/v1"),
        (Taken(SERVICE, "pets"), Reason.LOAD_FAILED, "there is a Service pets already, which is not this model's"),
        (ApiError(403, "Forbidden", "exceeded quota: small"), Reason.QUOTA_EXCEEDED, "raise the quota"),
        (ApiError(422, "Invalid", "spec.x: bad"), Reason.LOAD_FAILED, "the API server refuses Traffic pets: spec.x"),
        (ApiError(500, "InternalError", WEBHOOK), Reason.SERVER_UNAVAILABLE, "it is tried again by itself"),
    ],
)
def test_a_refusal_has_a_reason_and_says_what_to_do(error: ApiError, reason: Reason, told: str) -> None:
    failure = refusal(error, "Traffic pets")
    assert (is_refusal(error), failure.reason) == (True, reason)
    assert told in failure.message


@pytest.mark.parametrize(
    "error", [ApiError(0, "Unreachable", "reset"), ApiError(503, "", "busy"), ApiError(409, "", "")]
)
def test_what_another_try_may_do_is_no_refusal(error: ApiError) -> None:
    assert not is_refusal(error)

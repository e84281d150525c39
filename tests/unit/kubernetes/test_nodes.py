"""A node that is silent, as it shows on its pods: told from what Kubernetes 1.34 was seen to write there."""

from typing import Any

import pytest

from lepton.backends.kubernetes.health import trouble
from lepton.backends.kubernetes.nodes import silence
from lepton.report import Failure
from lepton.spec.reasons import Reason

TOLD = Failure(
    reason=Reason.NODE_NOT_READY,
    message="pod pets-1 is on node n7, which is silent: see `kubectl describe node n7`; "
    "all goes on once it is back, or, where it is gone for good, after `kubectl delete node n7`",
)


def pod(spec: dict[str, Any] | None = None, **conditions: str) -> dict[str, Any]:
    """A pod with these conditions, each `status` or `status/reason`."""
    told = [(kind, *said.partition("/")[::2]) for kind, said in conditions.items()]
    listed = [{"type": kind, "status": status, "reason": reason} for kind, status, reason in told]
    return {
        "metadata": {"name": "pets-1"},
        "spec": {"nodeName": "n7", **(spec or {})},
        "status": {"phase": "Running", "conditions": listed},
    }


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (pod(Ready="True", ContainersReady="True"), None),
        (pod(Ready="False", ContainersReady="False"), None),
        (pod(Ready="False", ContainersReady="True"), TOLD),
        (pod(Ready="False", ContainersReady="False", DisruptionTarget="True/DeletionByTaintManager"), TOLD),
        (pod(Ready="False", ContainersReady="False", DisruptionTarget="True/PreemptionByScheduler"), None),
        (pod({"readinessGates": [{"conditionType": "x"}]}, Ready="False", ContainersReady="True"), None),
        (pod(), None),
    ],
    ids=[
        "it is ready",
        "its containers are not",
        "somebody else than its node calls it unready",
        "it was evicted from a node",
        "it made room for another",
        "somebody else has a say in its being ready",
        "nothing is known yet",
    ],
)
def test_it_shows_where_others_overrule_what_the_node_said(seen: dict[str, Any], told: Failure | None) -> None:
    assert silence(seen) == told


def test_it_is_the_trouble_of_a_pod_that_is_to_stay() -> None:
    assert trouble([pod(Ready="False", ContainersReady="True")]) == TOLD

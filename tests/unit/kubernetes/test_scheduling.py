"""Why a pod fits on no node, told from the words of kube-scheduler 1.34."""

from typing import Any

import pytest

from lepton.backends.kubernetes.names import JOB_LABEL, WORKLOAD
from lepton.backends.kubernetes.scheduling import unplaced

PREEMPTION = ". no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found."


BUILD, GATE, SERVER = {JOB_LABEL: "pets-build-1"}, {JOB_LABEL: "pets-gate-1"}, {WORKLOAD: "pets-1"}


def pod(labels: dict[str, str] = BUILD, **requests: str) -> dict[str, Any]:
    asked = {"nvidia.com/gpu" if name == "gpu" else name: amount for name, amount in requests.items()}
    containers = [{"resources": {}}, {"resources": {"requests": asked}}]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers}}


@pytest.mark.parametrize(
    ("asking", "said", "told"),
    [
        (
            pod(gpu="2"),
            f"0/3 nodes are available: 3 Insufficient nvidia.com/gpu{PREEMPTION}",
            "waits: no node has 2 nvidia.com/gpu free: ask for less (train.resources), add nodes, "
            "or wait until others end",
        ),
        (
            pod(SERVER, cpu="500m"),
            "0/1 nodes are available: 1 Insufficient cpu.",
            "waits: no node has 500m cpu free: ask for less (deploy.resources), add nodes, or wait until others end",
        ),
        (
            pod(GATE, cpu="1"),
            "0/1 nodes are available: 1 Insufficient cpu.",
            "waits: no node has 1 cpu free: add nodes, or wait until others end",
        ),
        (
            pod(SERVER),
            "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}.",
            "waits: no node is without the taint gpu=true: add nodes without it",
        ),
        (
            pod(memory="8Gi"),
            "0/4 nodes are available: 1 node(s) had untolerated taint {gpu: true}, 3 Insufficient memory.",
            "waits for a node (1 of the nodes: none is without the taint gpu=true; 3 of the nodes: none has 8Gi memory "
            "free): bear it (train.tolerations), or add nodes without it, or ask for less (train.resources), "
            "add nodes, or wait until others end",
        ),
        (
            pod(),
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            "waits: no node has the labels that are asked for: mend train.nodeSelector, or label a node",
        ),
        (
            pod(),
            "0/1 nodes are available: 1 node(s) were unschedulable.",
            "waits: no node takes pods: uncordon it with `kubectl uncordon NODE`",
        ),
        (
            pod(),
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
            "waits: no node is ready: see `kubectl get nodes`",
        ),
        (
            pod(),
            "0/1 nodes are available: 1 node(s) had volume node affinity conflict.",
            "waits: no node will do (node(s) had volume node affinity conflict): see `kubectl describe pod`",
        ),
        (pod(), "no nodes available to schedule pods", "waits for a node: no nodes available to schedule pods"),
    ],
)
def test_the_scheduler_is_understood(asking: dict[str, Any], said: str, told: str) -> None:
    assert unplaced(asking, said) == told

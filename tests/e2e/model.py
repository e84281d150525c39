"""One LeptonModel on a cluster, driven and read by kubectl as its owner would."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lepton.backends.kubernetes.health import is_ready
from lepton.backends.kubernetes.jobs import ORDER, REPORT
from lepton.spec.status import EndpointAddress
from tests.installation import wait_until
from tests.node.kube import Kube, Object

LM = "leptonmodels.leptonml.dev"
PATIENCE_S = 420.0
LEFT = (
    "pods,services,configmaps,serviceaccounts,roles,rolebindings,deployments,jobs,rayjobs,rayclusters,"
    "poddisruptionbudgets,inferenceservices,rayservices,httproutes,grpcroutes"
)
"""Kinds of objects of which a deleted model leaves none."""
QUICK = {
    "task": "image-classification",
    "data": {"uri": "sklearn://digits"},
    "train": {"epochs": 3},
    "compress": {"steps": [{"quantize": {"scheme": "int8"}}]},
    "gate": {"minAccuracy": 50, "maxAccuracyDrop": 30},
}
"""The spec of a model that is made as fast as may be."""


@dataclass(frozen=True)
class Model:
    """By name and namespace."""

    kube: Kube
    name: str
    namespace: str = "default"

    def apply(self, spec: Object) -> None:
        metadata = {"name": self.name, "namespace": self.namespace}
        self.kube.apply(
            {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": metadata, "spec": spec}
        )

    def edit(self, **spec: Any) -> None:
        self.run("patch", "--type=merge", "--patch", json.dumps({"spec": spec}))

    def delete(self, *options: str) -> None:
        self.run("delete", *options)

    def kill(self, pod: str) -> None:
        """Take a pod of it away without a warning, as a machine that breaks does."""
        self.kube.run("delete", "pod", pod, "--namespace", self.namespace, "--grace-period=0", "--force")

    def run(self, verb: str, *options: str) -> str:
        """What kubectl does with it."""
        return self.kube.run(verb, LM, self.name, "--namespace", self.namespace, *options)

    def status(self) -> dict[str, Any]:
        model = self.kube.find(LM, self.name, self.namespace)
        return {} if model is None else model.get("status", {})

    def address(self) -> EndpointAddress:
        return EndpointAddress.model_validate(self.status()["endpoint"])

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message."""
        found = next((one for one in self.status().get("conditions", ()) if one["type"] == kind), {})
        return found.get("status", ""), found.get("reason", ""), found.get("message", "")

    def says(self, reason: str, part: str) -> Callable[[], bool]:
        """Whether Ready has this reason and its message such a part; read at once, for both may change any second."""

        def holds() -> bool:
            _, why, message = self.condition("Ready")
            return why == reason and part in message

        return holds

    def serves(self, revision: int) -> Callable[[], bool]:
        """Whether all that its spec says is done, and this revision answers."""

        def holds() -> bool:
            model = self.kube.find(LM, self.name, self.namespace) or {}
            now = model.get("status", {})
            is_current = now.get("observedGeneration") == model.get("metadata", {}).get("generation")
            return is_current and now.get("phase") == "Serving" and now["serving"]["revision"] == revision

        return holds

    def objects(self, kinds: str, selector: str = "") -> list[Object]:
        """The objects of it."""
        return self.kube.list(kinds, self.namespace, f"leptonml.dev/model={self.name}{selector}")

    def servers(self) -> list[Object]:
        """The pods of servers that answer."""
        return [pod for pod in self.objects("pods", ",leptonml.dev/workload") if is_ready(pod)]

    def pods_of_ray(self, node_type: str) -> list[Object]:
        """The pods in which builds work: of the type head or worker."""
        return self.objects("pods", f",ray.io/node-type={node_type}")

    def runs(self, revision: int) -> list[str]:
        """The RayJobs of a revision's build, by name less that of the build: what is left is which try each is."""
        (build,) = (one["name"] for one in self.status()["revisions"] if one["number"] == revision)
        names = (one["metadata"]["name"] for one in self.objects("rayjobs", f",leptonml.dev/job={build}"))
        return [name.removeprefix(f"{build}-") for name in names]

    def epoch(self, revision: int, attempt: int = 0) -> int:
        """How many a try at a revision's build said to have trained; at once when it begins, then each ten seconds."""
        jobs = [one["data"] for one in self.objects("configmaps", ",leptonml.dev/job")]
        orders = [(json.loads(job[ORDER]), json.loads(job.get(REPORT, "{}"))) for job in jobs]
        reports = [said for order, said in orders if (order["kind"], order["revision"]) == ("build", revision)]
        told = [said["progress"] for said in reports if said.get("attempt") == attempt and said["progress"]]
        return max((one["epoch"] or 0 for one in told if one["stage"] == "train"), default=0)

    def until(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Wait, and say what the model says of itself where it was in vain."""
        try:
            wait_until(holds, what, seconds, every=1)
        except AssertionError as error:
            error.add_note(json.dumps(self.status().get("conditions"), indent=1))
            raise

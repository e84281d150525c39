"""What a cluster without a node lacks, played on a real API server: the kubelet, KubeRay, and what runs in the jobs.

It does as it is told; a player lets everything go well by itself.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.covers import covers
from lepton.backends.kubernetes.health import is_leaving
from lepton.backends.kubernetes.jobs import REPORT, order_of
from lepton.backends.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    GRPC_ROUTE,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    LEPTON_MODEL,
    OF_A_MODEL,
    POD,
    RAY_JOB,
    RAY_SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL, WORKLOAD, deployment_name, run_name
from lepton.backends.kubernetes.routes import is_taken
from lepton.plan.types import Key
from lepton.report import Failure, JobReport
from lepton.spec.fields import timestamp
from lepton.spec.reasons import Reason
from lepton.spec.resource import Spec
from operators.lepton_operator.reflector import Reflector
from tests.cluster.played_kserve import predictor_of
from tests.cluster.played_kuberay import cluster_of, pods_of

PATIENCE_S = 150.0
"""More than twice the longest that the operator waits before it tries again."""
_LOOK_S = 0.2
"""What no watch tells is seen so soon."""
WORKER = "worker"
"""As whom the jobs write."""
RUNNING: Object = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


class World:
    """Use it in an async with statement: it watches the cluster meanwhile."""

    def __init__(self, kubeconfig: Path, changed: Callable[[Key], None] = lambda _: None) -> None:
        self._kubeconfig = kubeconfig
        self._changed = changed
        self._waiting: dict[asyncio.Event, Key | None] = {}
        self.cache = Cache(self._tell)

    async def __aenter__(self) -> Self:
        await config.load_kube_config(str(self._kubeconfig))
        self._api = ApiClient()
        self.client = Client(self._api)
        watched = [(LEPTON_MODEL, ""), *((kind, MODEL) for kind in OF_A_MODEL)]
        reflectors = [Reflector(self.client, self.cache, kind, None, label) for kind, label in watched]
        self._tasks = [asyncio.create_task(reflector.run()) for reflector in reflectors]
        await asyncio.gather(*(reflector.synced.wait() for reflector in reflectors))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()

    async def put(self, key: Key, spec: Spec) -> None:
        """Apply a LeptonModel as a user does."""
        document = {
            "apiVersion": LEPTON_MODEL.api_version,
            "kind": LEPTON_MODEL.name,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        }
        self.cache.note(LEPTON_MODEL, await self.client.apply(LEPTON_MODEL, document, manager="user"))

    async def report(self, key: Key, job: str, **said: Any) -> None:
        """The job writes its report."""
        order = order_of(self.object(CONFIG_MAP, key, job))
        report = JobReport(attempt=order.attempt, **said).model_dump_json(by_alias=True)
        path, changes = CONFIG_MAP.path(key.namespace, job), {"data": {REPORT: report}}
        patch = ("PATCH", path, {"fieldManager": WORKER}, changes, "application/merge-patch+json")
        self.cache.note(CONFIG_MAP, await self.client._request(*patch))

    async def fail_run(self, key: Key, job: str) -> None:
        """The job's RayJob fails, and the job has not said a word."""
        run = self.object(RAY_JOB, key, run_name(order_of(self.object(CONFIG_MAP, key, job))))
        ended = {"jobDeploymentStatus": "Failed", "jobStatus": "FAILED", "endTime": timestamp(time.time())}
        run = await self.client.get(RAY_JOB, key.namespace, run["metadata"]["name"])
        status = {**run.get("status", {}), **ended}
        self.cache.note(RAY_JOB, await self.client.write_status(RAY_JOB, {**run, "status": status}))

    async def play_cleanup(self, key: Key) -> None:
        """The pods that remove artifacts come to a good end."""
        for pod in list(self.cache.owned(key, POD).values()):
            name = pod["metadata"]["labels"].get(JOB_LABEL, "")
            if name.startswith(f"{key.name}-cleanup-") and not is_leaving(pod):
                await self.set_pod(pod, {"phase": "Succeeded"})

    async def play_kserve(self, key: Key) -> None:
        """Do as KServe does: make a Deployment of each InferenceService, and take it away with it."""
        services = self.cache.owned(key, INFERENCE_SERVICE)
        for service in list(services.values()):
            wanted = predictor_of(service)
            if self.cache.get(DEPLOYMENT, key.namespace, wanted["metadata"]["name"]) is None or not covers(
                self.object(DEPLOYMENT, key, wanted["metadata"]["name"]), wanted
            ):
                self.cache.note(DEPLOYMENT, await self.client.apply(DEPLOYMENT, wanted, manager="kserve"))
        for name in list(self.cache.owned(key, DEPLOYMENT)):
            if name.endswith("-predictor") and name.removesuffix("-predictor") not in services:
                await self.client.delete(DEPLOYMENT, key.namespace, name)

    async def play_kuberay(self, key: Key) -> None:
        """Do as KubeRay does: make the pods of each RayService, and lead to them. They go with it by their owner."""
        for service in list(self.cache.owned(key, RAY_SERVICE).values()):
            for pod in pods_of(service):
                if self.cache.get(POD, key.namespace, pod["metadata"]["name"]) is None:
                    self.cache.put(POD, await self.client.apply(POD, pod, manager="kuberay"))
            status = {"activeServiceStatus": {"rayClusterName": cluster_of(service)}}
            if not covers(service.get("status"), status):
                changed = await self.client.write_status(RAY_SERVICE, {**service, "status": status})
                self.cache.put(RAY_SERVICE, changed)

    async def play_gateway(self, key: Key) -> None:
        """Do as a Gateway's controller does: take the model's routes as they are."""
        for kind in (HTTP_ROUTE, GRPC_ROUTE):
            for route in list(self.cache.owned(key, kind).values()):
                if not is_taken(route):
                    await self.judge(kind, route, "True", "Accepted")

    async def judge(self, kind: Kind, route: Object, accepted: str, reason: str) -> None:
        """A Gateway's controller says whether it takes a route."""
        common = {
            "observedGeneration": route["metadata"]["generation"],
            "lastTransitionTime": timestamp(time.time()),
            "message": "as played",
        }
        conditions = [
            {"type": "Accepted", "status": accepted, "reason": reason, **common},
            {"type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs", **common},
        ]
        (reference,) = route["spec"]["parentRefs"]
        parent = {"parentRef": reference, "controllerName": "example.com/played", "conditions": conditions}
        judged = {**route, "status": {"parents": [parent]}}
        self.cache.note(kind, await self.client.write_status(kind, judged))

    async def start_pods(self, key: Key, workload: str) -> None:
        """The workload's pods become ready, or can't fetch an artifact whose name says that it is broken."""
        await self.play_kserve(key)
        async with asyncio.timeout(PATIENCE_S):
            while not self.ready_pods(key, workload):
                for pod in self.pods(key, workload):
                    maker = self.object(DEPLOYMENT, key, deployment_name(workload))["spec"]["template"]
                    broken = "-broken" in str(maker["spec"]["initContainers"][0]["command"])
                    with suppress(ApiError):  # it is an earlier one's, and gone by now
                        await self.set_pod(pod, _failed_to_fetch(maker) if broken else RUNNING)
                    if broken:
                        return
                await asyncio.sleep(0.005)

    def ready_pods(self, key: Key, workload: str) -> int:
        """How many pods take requests, as their Deployment counts them."""
        deployment = self.object(DEPLOYMENT, key, deployment_name(workload))
        ready: int = deployment.get("status", {}).get("readyReplicas", 0)
        return ready

    async def set_pod(self, pod: Object, status: Object) -> None:
        """Do as the kubelet does: write the pod's status."""
        newest = await self.client.get(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.cache.note(POD, await self.client.write_status(POD, {**newest, "status": {**newest["status"], **status}}))

    def pods(self, key: Key, workload: str) -> list[Object]:
        """The workload's pods."""
        found = self.cache.owned(key, POD).values()
        return [pod for pod in found if pod["metadata"]["labels"].get(WORKLOAD) == workload and not is_leaving(pod)]

    def object(self, kind: Kind, key: Key, name: str) -> Object:
        """One object that must be there."""
        object_ = self.cache.get(kind, key.namespace, name)
        assert object_ is not None, f"{kind.name} {name} is not there"
        return object_

    async def until(self, holds: Callable[[], bool], key: Key | None = None) -> None:
        """Let the watches go on until what they told, of one model or of any, shows it."""
        told = asyncio.Event()
        self._waiting[told] = key
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    told.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_S):  # wait_for of Python 3.11 may swallow that it is cancelled
                            await told.wait()
        finally:
            del self._waiting[told]

    def _tell(self, key: Key) -> None:
        self._changed(key)
        for told, about in self._waiting.items():
            if about in (None, key):
                told.set()

    async def clean(self) -> None:
        """Delete every model and all that was made for one."""
        for object_ in (await self.client.list(LEPTON_MODEL, None))[0]:
            metadata = object_["metadata"]
            await self.client.delete(LEPTON_MODEL, metadata["namespace"], metadata["name"])
            if metadata.get("finalizers"):
                changes: Object = {"metadata": {"finalizers": []}}
                with suppress(ApiError):  # it is gone by now
                    await self.client.merge(LEPTON_MODEL, metadata["namespace"], metadata["name"], changes)
        for kind in filter(self.cache.serves, OF_A_MODEL):
            for object_ in (await self.client.list(kind, None, MODEL))[0]:
                await self.client.delete(kind, object_["metadata"]["namespace"], object_["metadata"]["name"])


def _failed_to_fetch(maker: Object) -> Object:
    failure = Failure(reason=Reason.ARTIFACT_CORRUPT, message="model.onnx differs from its digest")
    fetch = maker["spec"]["initContainers"][0]
    ended = {"exitCode": 1, "message": failure.model_dump_json(), "reason": "Error"}
    status = {
        "name": fetch["name"],
        "image": fetch["image"],
        "imageID": "",
        "ready": False,
        "restartCount": 1,
        "state": {"terminated": ended},
    }
    return {"phase": "Pending", "initContainerStatuses": [status]}


async def token(kubeconfig: Path, namespace: str, account: str) -> str:
    """Of a service account, for a day: nothing renews it here, as a kubelet would."""
    await config.load_kube_config(str(kubeconfig))
    async with ApiClient() as api:
        path = f"{SERVICE_ACCOUNT.path(namespace, account)}/token"
        spec = {"expirationSeconds": 24 * 3600}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = await Client(api)._request("POST", path, {}, request)
    return str(answer["status"]["token"])

"""What the jobs of a revision print on a cluster: the logs of the pods of each job's newest attempt.

A build's driver runs in a job of Ray's, whose output its dashboard keeps and no container's log has: that is asked,
through the API server, as long as the job's cluster lives.
"""

import io
import json
from collections.abc import Mapping
from typing import Any

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.jobs import order_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, JOB, POD, RAY_JOB, SERVICE, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL, run_name
from lepton.jobdir import JobOrder
from lepton.spec.status import RevisionRecord

_NOT_YET = (400, 404, 500, 502, 503)
"""What the API server answers for a container or a dashboard that has not started yet, or is gone."""


class Output:
    """Remembers what it has given already."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._told: dict[str, str] = {}
        """For each container the time of its last line, for each dashboard all that it gave."""

    async def added(self, model: str, record: RevisionRecord) -> list[str]:
        """What was printed since the last time; build first, then gates. Raises ApiError."""
        found: list[str] = []
        for order in await self._orders(model, record):
            kind = RAY_JOB if order.kind == "build" else JOB
            try:
                run = await self._client.get(kind, self._namespace, run_name(order))
            except ApiError as error:
                if error.status != 404:
                    raise
                continue
            found += await self._driver(run) if kind == RAY_JOB else await self._pods(order, run)
        return found

    async def _orders(self, model: str, record: RevisionRecord) -> list[JobOrder]:
        config_maps, _ = await self._client.list(CONFIG_MAP, self._namespace, f"{MODEL}={model},{JOB_LABEL}")
        orders = sorted(map(order_of, config_maps), key=lambda order: order.kind)  # a build comes before its gates
        return [order for order in orders if record.name == order.name or _proves(order, record)]

    async def _pods(self, order: JobOrder, run: Object) -> list[str]:
        pods, _ = await self._client.list(POD, self._namespace, f"{JOB_LABEL}={order.name}")
        since = run["metadata"]["creationTimestamp"]
        newest = [pod for pod in pods if pod["metadata"]["creationTimestamp"] >= since]
        containers = [(pod["metadata"]["name"], one["name"]) for pod in newest for one in pod["spec"]["containers"]]
        return [text for pod, container in containers if (text := await self._container(pod, container))]

    async def _container(self, pod: str, container: str) -> str:
        path = f"{POD.path(self._namespace, pod)}/log"
        last = self._told.get(f"{pod}/{container}", "")
        query = {"container": container, "timestamps": "true", "sinceTime": last}
        body = await self._ask(path, query)
        lines = [line.partition(" ") for line in io.StringIO(body)]  # ends lines at \n alone, as the kubelet does
        fresh = [(when, text) for when, _, text in lines if when > last]
        if fresh:
            self._told[f"{pod}/{container}"] = fresh[-1][0]
        return "".join(text for _, text in fresh)

    async def _driver(self, run: Object) -> list[str]:
        status: Mapping[str, Any] = run.get("status", {})
        cluster, job = status.get("rayClusterName"), status.get("jobId")
        if not cluster or not job:
            return []
        service = SERVICE.path(self._namespace, f"{cluster}-head-svc:dashboard")
        body = await self._ask(f"{service}/proxy/api/jobs/{job}/logs", {})
        said = str(json.loads(body)["logs"]) if body else ""
        before = self._told.get(job, "")
        if said:
            self._told[job] = said
        fresh = said[len(before) :] if said.startswith(before) else said
        return [fresh] if fresh else []

    async def _ask(self, path: str, query: Mapping[str, str]) -> str:
        """What lies there; nothing where whoever would answer is not there yet, or no more."""
        try:
            body, _ = await self._client.ask("GET", path, query)
        except ApiError as error:
            if error.status not in _NOT_YET:
                raise
            return ""
        return body.decode(errors="replace")


def _proves(order: JobOrder, record: RevisionRecord) -> bool:
    return order.kind == "gate" and order.revision == record.number

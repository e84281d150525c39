"""The kubernetes backend under the contract suite: a real API server and its controllers, and a played world."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, POD, SERVICE
from lepton.backends.kubernetes.names import MODEL, WANTED, WORKLOAD
from lepton.backends.kubernetes.settings import Gateway, Settings
from lepton.hashing import short_hash
from lepton.plan.types import Desired, Key
from lepton.reconcile import reconcile
from lepton.report import Failure, Progress, Summary
from lepton.spec.resource import Spec
from tests.cluster.world import PATIENCE_S, World
from tests.contract.harness import Harness

SETTINGS = Settings(worker_image="worker", server_image="server", artifacts="s3://models")
GATEWAY = Gateway(name="lepton", namespace="lepton-system", hostname="{model}.{namespace}.models.test", port=8080)
WITH_GATEWAY = SETTINGS.model_copy(update={"gateway": GATEWAY})
NOT_READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}


class KubernetesHarness(Harness):
    """Its watches go on whenever its event loop runs."""

    def __init__(self, kubeconfig: Path, settings: Settings = SETTINGS) -> None:
        self._settings = settings
        self.world = World(kubeconfig)
        self._last: dict[str, Desired] = {}
        self.clock = time.time

    def __enter__(self) -> Self:
        super().__enter__()
        self.runner.run(self.world.__aenter__())
        self.backend = KubernetesBackend(self.world.client, self.world.cache, self._settings)
        return self

    def __exit__(self, *arguments: object) -> None:
        self.runner.run(self.world.clean())
        self.runner.run(self.world.__aexit__(None, None, None))
        super().__exit__(None, None, None)

    # a user

    def put(self, key: Key, spec: Spec) -> None:
        self.runner.run(self.world.put(key, spec))

    def mark_deleted(self, key: Key) -> None:
        self.runner.run(self.world.client.delete(LEPTON_MODEL, key.namespace, key.name))
        model = self.world.object
        self.until(lambda: "deletionTimestamp" in model(LEPTON_MODEL, key, key.name)["metadata"])

    # the world

    def artifact(self, key: Key, number: int, *, broken: bool = False) -> Summary:
        where = f"s3://models/{number}{'-broken' if broken else ''}"
        return Summary(artifact=where, digest=f"sha256:{short_hash(where)}")

    def run_job(self, key: Key, name: str, progress: Progress) -> None:
        self.runner.run(self.world.report(key, name, progress=progress))

    def finish_job(self, key: Key, name: str, summary: Summary) -> None:
        self.runner.run(self.world.report(key, name, summary=summary, finished_at=self.clock()))

    def fail_job(self, key: Key, name: str, failure: Failure | None) -> None:
        if failure is None:
            self.runner.run(self.world.fail_run(key, name))
        else:
            self.runner.run(self.world.report(key, name, failure=failure, finished_at=self.clock()))

    def let_load(self, key: Key, name: str) -> None:
        service = self.world.object(SERVICE, key, name)
        self.runner.run(self.world.start_pods(key, service["spec"]["selector"][WORKLOAD]))

    def let_switch(self, key: Key) -> None:
        service = self.world.object(SERVICE, key, key.name)
        self.runner.run(self.world.start_pods(key, service["metadata"]["annotations"][WANTED]))
        if key.name in self._last:  # else a pass will do it
            self.apply(key, self._last[key.name])

    def lose_server(self) -> None:
        for pod in self.runner.run(self.world.client.list(POD, None, WORKLOAD))[0]:
            labels = pod["metadata"]["labels"]
            key, workload = Key(pod["metadata"]["namespace"], labels[MODEL]), labels[WORKLOAD]
            self.runner.run(self.world.set_pod(pod, NOT_READY))
            self.until(partial(self._is_lost, key, workload))

    def reconcile(self, key: Key, passes: int = 3) -> None:
        """A model that is being deleted goes once its artifacts are removed, which the world does meanwhile."""
        super().reconcile(key, passes)
        model = self.world.cache.model(key)
        if model is not None and "deletionTimestamp" in model["metadata"]:
            self.runner.run(self._see_off(key))

    async def _see_off(self, key: Key) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.world.cache.model(key) is not None:
                await reconcile(key, self.backend, self.clock)
                await self.world.play_cleanup(key)
                await asyncio.sleep(0.05)

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the watches go on until what they told shows it."""
        self.runner.run(self.world.until(holds))

    def _is_lost(self, key: Key, workload: str) -> bool:
        return self.world.ready_pods(key, workload) == 0

    def apply(self, key: Key, *desired: Desired) -> None:
        super().apply(key, *desired)
        self._last |= {one.ref.name: one for one in desired}

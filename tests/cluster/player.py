"""A world in which all goes well by itself: every job succeeds, and every pod becomes ready."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.health import is_leaving, is_ready
from lepton.backends.kubernetes.jobs import has_told_its_end, order_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, JOB, POD, RAY_JOB
from lepton.backends.kubernetes.names import WORKLOAD, run_name
from lepton.errors import LeptonError
from lepton.hashing import short_hash
from lepton.plan.types import Key
from lepton.report import Summary
from operators.lepton_operator.queue import Queue
from tests.cluster.control_plane import ControlPlane
from tests.cluster.world import RUNNING, World


class Player:
    """Lets every job succeed and every pod become ready, as soon as it is there; not those of a halted model."""

    def __init__(self, kubeconfig: Path) -> None:
        self._due = Queue()
        self._halted: set[Key] = set()
        self.world = World(kubeconfig, self._due.add)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Self]:
        """Play meanwhile; nothing of the world's models is left afterwards."""
        async with self.world:
            task = asyncio.create_task(self.play())
            try:
                yield self
            finally:
                if task.done():
                    task.result()  # why nothing was played any more
                self._due.close()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await self.world.clean()

    async def play(self, players: int = 1) -> None:
        """Go on until cancelled; several models at a time where there are several players."""
        async with asyncio.TaskGroup() as group:
            for _ in range(players):
                group.create_task(self._go_on())

    def halt(self, key: Key) -> None:
        """Let nothing go on for a model, so that the test can say what happens."""
        self._halted.add(key)

    def go_on(self, key: Key) -> None:
        """Let all go well again."""
        self._halted.discard(key)
        self._due.add(key)

    async def _go_on(self) -> None:
        while (key := await self._due.get()) is not None:
            try:
                if key not in self._halted:
                    await self.play_once(key)
            except ApiError as error:
                if error.status in (0, 409, 429) or error.status >= 500:  # changed meanwhile, or the API server is away
                    self._due.add(key, 0.05)
                elif error.status != 404:  # else it was deleted meanwhile: more news follows
                    raise
            finally:
                self._due.done(key)

    async def play_once(self, key: Key) -> None:
        """Bring one model's jobs and pods to a good end."""
        for name in list(self.world.cache.owned(key, CONFIG_MAP)):
            with suppress(LeptonError):  # its order is damaged, until the operator puts it right
                await self._end_well(key, name)
        await self.world.play_kserve(key)
        await self.world.play_kuberay(key)
        await self.world.play_gateway(key)
        await self.world.play_cleanup(key)
        for pod in list(self.world.cache.owned(key, POD).values()):
            if WORKLOAD in pod["metadata"]["labels"] and not is_ready(pod) and not is_leaving(pod):
                await self.world.set_pod(pod, RUNNING)

    async def _end_well(self, key: Key, job: str) -> None:
        config_map = self.world.object(CONFIG_MAP, key, job)
        order = order_of(config_map)
        run = self.world.cache.owned(key, RAY_JOB if order.kind == "build" else JOB).get(run_name(order))
        if run is not None and not has_told_its_end(config_map, order):
            await self.world.report(key, job, summary=summary_of(job), finished_at=time.time())


def summary_of(job: str) -> Summary:
    """What a job that succeeds leaves behind."""
    return Summary(artifact=f"s3://models/{job}", digest=f"sha256:{short_hash(job)}", metrics={"accuracy": 98.0})


@asynccontextmanager
async def playing(plane: ControlPlane) -> AsyncIterator[World]:
    """The world of a player at work."""
    async with Player(plane.kubeconfig).at_work() as player:
        yield player.world

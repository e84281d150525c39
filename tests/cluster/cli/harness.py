"""The command on a real API server, with the operator and a world in which mostly all goes well."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes.aio import config

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.jobs import REPORT, order_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL, Object
from lepton.plan.types import Key
from lepton.report import Failure
from lepton.spec.reasons import Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator
from tests.cluster.player import Player
from tests.unit.cli.command import lepton

NAMESPACE = "default"
WITHOUT_DATA = Failure(reason=Reason.DATA_NOT_FOUND, message="data.uri s3://x does not exist", stage="data")
PATIENCE_S = 60.0
File = Callable[..., Path]


class Choosy(Player):
    """Lets the first attempt of every build of a model fail whose name begins with `lost`."""

    async def play_once(self, key: Key) -> None:
        if key.name.startswith("lost"):
            for name, config_map in list(self.world.cache.owned(key, CONFIG_MAP).items()):
                order = order_of(config_map)
                if (order.kind, order.attempt) == ("build", 0) and REPORT not in config_map["data"]:
                    await self.world.report(key, name, failure=WITHOUT_DATA, finished_at=time.time())
                    return
        await super().play_once(key)


@dataclass(frozen=True)
class Answer:
    """What one command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Cluster:
    """A cluster with an operator and a world, and the command that works on it."""

    plane: ControlPlane
    operator: Operator
    capture: Callable[[], tuple[str, str]]

    def lepton(self, *words: str | Path) -> Answer:
        code = lepton("--context", "tests", *words)
        return Answer(code, *self.capture())

    def ok(self, *words: str | Path) -> str:
        answer = self.lepton(*words)
        assert answer.code == 0, answer.err
        return answer.out

    def ask(self, question: Callable[[Client], Any]) -> Any:
        """Ask the API server as its administrator."""

        return asked(self.plane, question)

    def live(self, name: str) -> Object:
        """The LeptonModel as it is."""
        return self.ask(lambda client: client.get(LEPTON_MODEL, NAMESPACE, name))


def asked(plane: ControlPlane, question: Callable[[Client], Any]) -> Any:
    """What the API server answers its administrator."""

    async def ask() -> Any:
        async with await config.new_client_from_config(str(plane.kubeconfig)) as api:
            return await question(Client(api))

    return asyncio.run(ask())


@contextmanager
def played(plane: ControlPlane) -> Iterator[None]:
    """A world that goes on in a thread; nothing of it is left afterwards."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def play() -> None:
        async with Choosy(plane.kubeconfig).at_work():
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(play(),), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    yield
    loop.call_soon_threadsafe(over.set)
    thread.join(PATIENCE_S)
    loop.close()

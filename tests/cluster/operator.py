"""The operator as a process, with the rights that it has in a cluster and no more, and what it is seen to do."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from lepton.backends.kubernetes.kinds import LEPTON_MODEL
from lepton.backends.kubernetes.observe import parse
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key
from lepton.spec.reasons import Phase
from lepton.spec.status import Status
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import SETTINGS
from tests.cluster.world import World, token
from tests.installation import free_ports

NAMESPACE = "lepton-system"


class Operator:
    """One process of it."""

    def __init__(
        self,
        plane: ControlPlane,
        folder: Path,
        identity: str = "operator-0",
        watched: str = "",
        settings: Settings = SETTINGS,
        through: str = "",
    ) -> None:
        """`through` is the URL of a proxy before the API server."""
        folder.mkdir(exist_ok=True)
        kubeconfig, told = folder / "kubeconfig", folder / "settings.yaml"
        self._token = asyncio.run(token(plane.kubeconfig, NAMESPACE, "lepton-operator"))
        plane.write_kubeconfig(kubeconfig, self._token, through)
        told.write_text(yaml.safe_dump(settings.model_dump(by_alias=True)))
        (self.port,) = free_ports(1)
        self.log = folder / "operator.log"
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "LEPTON_SETTINGS": str(told),
            "LEPTON_NAMESPACE": NAMESPACE,
            "LEPTON_IDENTITY": identity,
            "LEPTON_WATCH": watched,
            "LEPTON_LISTEN": f"127.0.0.1:{self.port}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "operators.lepton_operator"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def ensure(self) -> None:
        """See that it runs, however it was left."""
        if self.status() is not None:
            self.start()
        self.thaw()

    def said(self) -> list[dict[str, str]]:
        """Its log: whatever it tells, it tells as one JSON object a line."""
        lines: list[dict[str, str]] = [json.loads(line) for line in self.log.read_text().splitlines()]
        assert all(line.keys() - {"traceback"} == {"time", "level", "logger", "message"} for line in lines)
        return lines

    def defects(self) -> list[str]:
        """What it logged with a traceback; the official client does that for each lease that another has renewed."""
        lines = [line for line in self.said() if not line["logger"].startswith("kubernetes.")]
        return [line["traceback"] for line in lines if "traceback" in line]

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Whenever it ends by itself, it is started anew, as the kubelet does."""

        async def keep() -> None:
            while True:
                if self._process is not None and self.status() is not None:
                    self.start()
                await asyncio.sleep(0.2)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def status(self) -> int | None:
        """With which it ended; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    @property
    def credential(self) -> str:
        """What the audit log calls its token."""
        payload = self._token.split(".")[1]
        return f"JTI={json.loads(base64.urlsafe_b64decode(payload + '=' * (-len(payload) % 4)))['jti']}"

    def end(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=20)


def requests(plane: ControlPlane, about: str = "", since: int = 0) -> list[dict[str, Any]]:
    """All that operators asked the API server for and got, as its audit log has it.

    About one thing alone where it is named, and since the log had so many bytes.
    """
    with plane.audit.open("rb") as log:
        log.seek(since)
        events = [json.loads(line) for line in log if about.encode() in line and line.endswith(b"\n")]
    mine = f"system:serviceaccount:{NAMESPACE}:lepton-operator"
    return [
        event
        for event in events
        if event["user"]["username"] == mine and "objectRef" in event and event["responseStatus"]["code"] < 400
    ]


def status(world: World, key: Key) -> Status:
    """What the operator reports of a model."""
    return parse(world.object(LEPTON_MODEL, key, key.name)).status


def serves(world: World, key: Key, revision: int) -> Callable[[], bool]:
    """Whether a model serves this revision, and nothing else is under way."""

    def holds() -> bool:
        seen = status(world, key)
        return seen.phase is Phase.SERVING and seen.serving is not None and seen.serving.revision == revision

    return holds

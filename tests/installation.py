"""A Lepton of its own for a test or a benchmark: own home, own ports, driven by the `lepton` command as users do."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lepton.backends.local.processes import Supervised, descendants
from lepton.backends.local.store import Store
from lepton.plan.types import Key

LEPTON = [str(Path(sys.executable).with_name("lepton"))]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_until(holds: Callable[[], bool], what: str, seconds: float, every: float = 0.05) -> None:
    """Return as soon as `holds` does; AssertionError naming `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for: {what}"
        time.sleep(every)


@dataclass(frozen=True)
class Installation:
    """One home of Lepton."""

    home: Path
    ports: tuple[int, int, int, int]

    @property
    def environment(self) -> dict[str, str]:
        """The environment that makes the command use this home."""
        return {**os.environ, "LEPTON_HOME": str(self.home), "NO_COLOR": "1"}

    def lepton(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run the command; its standard output. AssertionError with all it said when it fails."""
        done = self.ask(*arguments, stdin=stdin)
        assert not check or done.returncode == 0, f"lepton {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command, whatever comes of it."""
        return subprocess.run(
            [*LEPTON, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=180,
            check=False,
        )

    def up(self) -> None:
        """Start it, or mend what is broken."""
        http, grpc, triton_metrics, metrics = map(str, self.ports)
        self.lepton(
            "up",
            "--http-port",
            http,
            "--grpc-port",
            grpc,
            "--triton-metrics-port",
            triton_metrics,
            "--metrics-port",
            metrics,
        )

    def down(self) -> None:
        """Stop it."""
        self.lepton("down")

    def get(self, name: str) -> dict[str, Any]:
        """The whole resource, from the store: to wait for something by `lepton get` would take half a core."""
        store = Store(self.home / "lepton.db")
        try:
            model = store.get(Key("default", name))
        finally:
            store.close()
        assert model is not None, f"there is no model {name}"
        return model.model_dump(mode="json", by_alias=True, exclude_none=True)

    def processes(self, *words: str) -> Iterator[psutil.Process]:
        """The living processes of this home whose command line holds all the words.

        They are those on record and their descendants: some of Ray's overwrite their command lines and environments.
        """
        for process in self._family():
            try:
                command = " ".join(process.cmdline())
                if all(word in command for word in words) and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue

    def _family(self) -> Iterator[psutil.Process]:
        for name in ("loop", "ray", "triton"):
            record = Supervised(name, self.home / "run", self.home / "logs" / f"{name}.log").alive()
            if record is None:
                continue
            with suppress(psutil.NoSuchProcess):
                leader = psutil.Process(record.pid)
                yield from ([leader] if name == "loop" else [leader, *descendants(leader)])

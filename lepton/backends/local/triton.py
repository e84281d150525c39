"""The local Triton server as a process: starts it, finds it again, stops it. models.py does the loading.

The control loop uses it. The binary comes with the nvidia-pytriton wheel; it listens on 127.0.0.1, unless it has a
pod to itself, and loads only what it is told to.
"""

import secrets
import urllib.request
from pathlib import Path

import psutil

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.ports import require_free
from lepton.backends.local.processes import Record, Supervised
from lepton.files import as_lepton_error, write_atomically
from lepton.tritonserver import copy_backend, environment, wheel

_EXIT_S = 5
_STOP_S = _EXIT_S + 3.0
_KEY_NAME = "lepton-key"
_GUARDED = "model-repository,shared-memory,trace,logging"
"""The protocols through which a request could run code, read memory or write files."""


class Triton:
    """One tritonserver on the ports of the settings."""

    def __init__(self, home: Home, settings: Settings, host: str = "127.0.0.1") -> None:
        self._home = home
        self._host = host
        self.settings = settings
        self.process = Supervised("triton", home.run, home.logs / "triton.log")

    @property
    def ports(self) -> dict[str, int]:
        """What it listens on, by the option of `lepton up` that changes it."""
        return {option: port for option, port in self.settings.ports.items() if option != "--metrics-port"}

    def start(self) -> Record:
        """Start it; what is left of an earlier one goes. Returns at once: see `is_ready`.

        Raises LeptonError: PORT_BUSY, SERVER_UNAVAILABLE when it is not installed, DISK_FULL or STORE_UNWRITABLE.
        """
        self.process.kill()
        require_free(self.ports)
        server, backends = wheel(), self._home.root / "serving" / "backends"
        self._sweep_shared_memory()
        try:
            copy_backend(server, backends)
        except OSError as error:
            raise as_lepton_error(error, self._home.root / "serving") from error
        return self.process.start(self._command(server, backends), environment(server), self.ports)

    def stop(self) -> None:
        """Stop it, after it has answered what it was asked."""
        self.process.stop(_STOP_S)
        self._sweep_shared_memory()

    def alive(self) -> Record | None:
        """The record of the process if it runs, on the ports of the settings."""
        record = self.process.alive()
        return record if record is not None and record.ports == self.ports else None

    def is_adoptable(self) -> bool:
        """Whether a server of ours runs, on the ports of the settings."""
        return self.alive() is not None

    def is_ready(self) -> bool:
        """Whether the server takes requests."""
        try:
            url = f"http://127.0.0.1:{self.settings.http_port}/v2/health/ready"
            with urllib.request.urlopen(url, timeout=1):
                return self.alive() is not None
        except OSError:
            return False

    def stubs(self) -> frozenset[int]:
        """The processes in which the server runs our model code; one that vanishes takes its model's answers along."""
        record = self.alive()
        if record is None:
            return frozenset()
        try:
            children = psutil.Process(record.pid).children()
            return frozenset(child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return frozenset()

    @property
    def key_header(self) -> dict[str, str]:
        """What a gRPC request must carry to change what is loaded: whoever may load a model may run code."""
        return {f"triton-grpc-protocol-{_KEY_NAME}": self._key()}

    def _key(self) -> str:
        """The key of this home, made when it is first asked for, in a folder that only its user can read."""
        path = self._home.run / "triton-key"
        if not path.exists():
            write_atomically(path, secrets.token_hex(32).encode())
        return path.read_text()

    @property
    def _shared_memory(self) -> str:
        return f"lepton-{self._home.short_name}-"

    def _sweep_shared_memory(self) -> None:
        for leftover in Path("/dev/shm").glob(f"{self._shared_memory}*"):  # noqa: S108 - the prefix is ours
            leftover.unlink(missing_ok=True)

    def _command(self, server: Path, backends: Path) -> list[str]:
        return [
            str(server / "bin" / "tritonserver"),
            f"--model-repository={self._home.models}",
            f"--backend-directory={backends}",
            "--model-control-mode=explicit",
            "--disable-auto-complete-config",
            f"--exit-timeout-secs={_EXIT_S}",
            f"--http-restricted-api={_GUARDED}:{_KEY_NAME}={self._key()}",
            f"--grpc-restricted-protocol={_GUARDED}:{_KEY_NAME}={self._key()}",
            "--strict-readiness=false",  # one model that failed must not make the server look dead
            "--allow-gpu-metrics=false",
            "--metrics-config=summary_latencies=true",
            f"--backend-config=python,shm-region-prefix-name={self._shared_memory}",
            f"--http-address={self._host}",
            f"--grpc-address={self._host}",
            f"--metrics-address={self._host}",
            f"--http-port={self.settings.http_port}",
            f"--grpc-port={self.settings.grpc_port}",
            f"--metrics-port={self.settings.triton_metrics_port}",
        ]

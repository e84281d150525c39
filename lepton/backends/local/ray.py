"""The local Ray: starts its head, finds it again, stops it, and runs commands on it through the Job Submission API.

The control loop uses it. Everything listens on 127.0.0.1 alone and asks for a token that only this home holds;
nothing is ever reported to Ray's makers. It knows nothing of builds or gates.
"""

import os
import secrets
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel

from lepton.backends.local.home import Home
from lepton.backends.local.ports import free_port
from lepton.backends.local.processes import Record, Supervised
from lepton.errors import LeptonError
from lepton.files import write_atomically
from lepton.spec.reasons import Reason

CORES = "lepton-cores"
"""What jobs wait for: Ray's own CPUs are left to the training workers that a job starts, on the cores that it has."""

RunState = Literal["Waiting", "Running", "Ended", "Unknown"]
"""Of a submitted command: Unknown means that this Ray has never heard of it."""

_STATES: dict[str, RunState] = {
    "PENDING": "Waiting",
    "RUNNING": "Running",
    "SUCCEEDED": "Ended",
    "FAILED": "Ended",
    "STOPPED": "Ended",
}
_OBJECT_STORE_BYTES = 512 * 2**20
_STOP_S = 5.0


class _Version(BaseModel):
    session_name: str


class Ray:
    """Ray's head and its jobs."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.process = Supervised("ray", home.run, home.logs / "ray.log")
        self._known: Record | None = None
        self._client: Any = None
        self._session: str | None = None

    def start(self) -> None:
        """Start the head; what is left of an earlier one goes. Returns at once: see `session`."""
        self.process.kill()
        directory = self._home.ray_directory
        shutil.rmtree(directory / "r", ignore_errors=True)
        port = free_port()
        command = [
            *(sys.executable, "-m", "lepton.backends.local.ray_head"),
            f"--directory={directory / 'r'}",
            f"--dashboard-port={port}",
            f"--cpus={os.cpu_count() or 1}",
            f"--object-store-bytes={min(_OBJECT_STORE_BYTES, psutil.virtual_memory().total // 8)}",
        ]
        self.process.start(command, self._environment(), {"dashboard": port})

    def stop(self) -> None:
        """Stop the head with all that runs on it, and remove its folder."""
        self.process.stop(_STOP_S)
        shutil.rmtree(self._home.ray_directory, ignore_errors=True)

    def session(self) -> str | None:
        """The name of this run of Ray, once it takes jobs; None before, and when it is dead. Cheap once it is known."""
        record = self.process.alive()
        if record != self._known:
            self._known, self._client, self._session = record, None, None
        if record is not None and self._session is None:
            self._session = self._ask_session(record.ports["dashboard"])
        return self._session

    def is_adoptable(self) -> bool:
        """Whether a head of ours runs."""
        return self.process.alive() is not None

    def is_ready(self) -> bool:
        """Whether it takes jobs."""
        return self.session() is not None

    def connect(self) -> None:
        """Get the client ready: importing it takes a second."""
        with suppress(LeptonError, OSError, RuntimeError):
            self._api()

    def submit(self, submission: str, entrypoint: str, cores: int) -> None:
        """Run a shell command under this id once so many cores are free. Raises LeptonError SERVER_UNAVAILABLE."""
        try:
            self._api().submit_job(entrypoint=entrypoint, submission_id=submission, entrypoint_resources={CORES: cores})
        except (OSError, RuntimeError) as error:
            raise _unavailable(error) from error

    def state(self, submission: str) -> RunState:
        """What became of a submitted command. Raises LeptonError SERVER_UNAVAILABLE."""
        try:
            return _STATES[self._api().get_job_status(submission).value]
        except (OSError, RuntimeError) as error:
            if "does not exist" in str(error) or "404" in str(error):
                return "Unknown"
            raise _unavailable(error) from error

    def cancel(self, submission: str) -> None:
        """Stop a submitted command; nothing happens when it has ended or is not known."""
        try:
            self._api().stop_job(submission)
        except (OSError, RuntimeError, LeptonError):
            return  # Ray is gone, and its commands with it; whoever cancels makes sure by looking at the processes

    def _api(self) -> Any:
        record = self.process.alive()
        if record is None or self.session() is None:
            raise _unavailable("it is not up")
        if self._client is None:
            from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 - a second to import

            address = f"http://127.0.0.1:{record.ports['dashboard']}"
            self._client = JobSubmissionClient(address, headers=self._headers())
        return self._client

    def _ask_session(self, port: int) -> str | None:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/version", headers=self._headers())
        try:
            with urllib.request.urlopen(request, timeout=1) as answer:  # noqa: S310 - our own Ray on the loopback address
                return _Version.model_validate_json(answer.read()).session_name
        except (OSError, ValueError):
            return None

    @property
    def _token(self) -> Path:
        return self._home.run / "ray-token"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token.read_text()}"}

    def _environment(self) -> Mapping[str, str]:
        if not self._token.exists():
            write_atomically(self._token, secrets.token_hex(32).encode())
        code = str(Path(__file__).parents[3])
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        return {
            **inherited,
            "LEPTON_HOME": str(self._home.root),
            "PYTHONPATH": os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH")))),
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # the only way to keep Ray from replacing 127.0.0.1 by an address that others can reach
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            # threads that wait for each other by spinning starve themselves where the machine has other work too
            "GOMP_SPINCOUNT": "1000",
        }


def _unavailable(why: object) -> LeptonError:
    return LeptonError(Reason.SERVER_UNAVAILABLE, f"Ray does not take jobs ({why}); it is started again by itself")

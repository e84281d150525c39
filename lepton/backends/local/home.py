"""Where Lepton keeps its state on one machine, and the few settings that survive a restart.

Everything lies under LEPTON_HOME, by default `$XDG_STATE_HOME/lepton`. This module never starts anything.
"""

import os
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lepton.errors import LeptonError
from lepton.files import as_lepton_error
from lepton.spec.fields import Section
from lepton.spec.reasons import Reason

_LONGEST_TEMPORARY = 16
"""Bytes of the path of the folder for temporary files that leave room for Ray's own."""

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(Section):
    """What `lepton up` may be told; kept in the store."""

    http_port: Port = 8000
    """Port of Triton's HTTP endpoint."""
    grpc_port: Port = 8001
    """Port of Triton's gRPC endpoint."""
    triton_metrics_port: Port = 8002
    """Port of Triton's own metrics."""
    metrics_port: Port = 8003
    """Port of the control loop's metrics."""
    artifacts: str | None = None
    """fsspec URL under which artifacts are written; None: the folder `artifacts` of the home."""

    @property
    def ports(self) -> dict[str, int]:
        """Every port with the option of `lepton up` that changes it."""
        return {
            "--http-port": self.http_port,
            "--grpc-port": self.grpc_port,
            "--triton-metrics-port": self.triton_metrics_port,
            "--metrics-port": self.metrics_port,
        }


@dataclass(frozen=True)
class Home:
    """The folders of one installation."""

    root: Path

    @staticmethod
    def default() -> "Home":
        """The home that the environment names."""
        named = os.environ.get("LEPTON_HOME")
        if named:
            return Home(Path(named).expanduser().absolute())
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Home((Path(state) / "lepton").absolute())

    def make(self) -> "Home":
        """Create the folders. Raises LeptonError DISK_FULL or STORE_UNWRITABLE."""
        for folder in (
            self.root,
            self.jobs,
            self.work,
            self.artifacts,
            self.cache,
            self.models,
            self.served,
            self.logs,
            self.run,
        ):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise as_lepton_error(error, folder) from error
        try:
            self.run.chmod(0o700)
        except OSError as error:
            raise as_lepton_error(error, self.run) from error
        return self

    @property
    def database(self) -> Path:
        """The store."""
        return self.root / "lepton.db"

    @property
    def jobs(self) -> Path:
        """One folder for each job."""
        return self.root / "jobs"

    @property
    def work(self) -> Path:
        """Stage caches and checkpoints, one folder for each model."""
        return self.root / "work"

    @property
    def artifacts(self) -> Path:
        """Where artifacts go unless the settings say otherwise."""
        return self.root / "artifacts"

    @property
    def cache(self) -> Path:
        """Verified copies of artifacts, named by their digests."""
        return self.root / "serving" / "cache"

    @property
    def models(self) -> Path:
        """Triton's model repository: links into the cache."""
        return self.root / "serving" / "models"

    @property
    def served(self) -> Path:
        """What is loaded in Triton, one record for each model there."""
        return self.root / "serving" / "records"

    @property
    def logs(self) -> Path:
        """What the processes print."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Records of the processes that were started, and the key to Ray; for the owner's eyes only."""
        return self.root / "run"

    def artifact_url(self, settings: Settings, model: str, build: str) -> str:
        """Where the artifact of a build belongs."""
        return f"{(settings.artifacts or str(self.artifacts)).rstrip('/')}/{model}/{build}"

    @property
    def short_name(self) -> str:
        """Eight characters that tell this home from every other on the machine."""
        return sha256(str(self.root.resolve()).encode()).hexdigest()[:8]

    @property
    def ray_directory(self) -> Path:
        """Where Ray keeps its sockets and logs, open to nobody else: Ray gives everybody all rights within it.

        Short, as the path of a unix socket holds at most 107 bytes and Ray adds 70.
        Raises LeptonError when the folder belongs to somebody else.
        """
        temporary = tempfile.gettempdir()
        short = temporary if len(temporary) <= _LONGEST_TEMPORARY else "/tmp"  # noqa: S108 - the owner is checked
        directory = Path(short) / f"lepton-{self.short_name}"
        directory.mkdir(mode=0o700, exist_ok=True)
        if directory.is_symlink() or directory.stat().st_uid != os.getuid():
            message = f"{directory} belongs to another user: remove it, or set TMPDIR to a folder of your own"
            raise LeptonError(Reason.STORE_UNWRITABLE, message)
        return directory

"""The folder through which a job on one machine gets its orders and reports: the backend reads, the worker writes.

job.json       what to do (written by the backend before the job starts)
progress.json  where it stands
summary.json   present once it has succeeded
failure.json   present once it has failed
log.txt        all that it printed
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from lepton.files import write_atomically
from lepton.report import Failure, JobKind, Progress, Summary
from lepton.spec.fields import Section

M = TypeVar("M", bound=BaseModel)


class JobOrder(Section):
    """What a worker is to do."""

    name: str
    kind: JobKind
    model: str
    revision: int
    attempt: int
    arguments: dict[str, JsonValue]


@dataclass(frozen=True)
class JobDirectory:
    """One job's folder."""

    path: Path

    @property
    def log(self) -> Path:
        """All that the job printed."""
        return self.path / "log.txt"

    def order(self) -> JobOrder | None:
        """What the job is to do; None before it was ordered."""
        return self._read("job.json", JobOrder)

    def progress(self) -> Progress | None:
        """Where the job stands; None before it first said so."""
        return self._read("progress.json", Progress)

    def summary(self) -> Summary | None:
        """What came of it; None unless it succeeded."""
        return self._read("summary.json", Summary)

    def failure(self) -> Failure | None:
        """Why it failed; None unless it did and could say so."""
        return self._read("failure.json", Failure)

    def write_order(self, order: JobOrder) -> None:
        """Order the job (anew): what an earlier attempt reported is forgotten, its checkpoints are not."""
        for name in ("progress.json", "summary.json", "failure.json"):
            (self.path / name).unlink(missing_ok=True)
        self._write("job.json", order)

    def write_progress(self, progress: Progress) -> None:
        """Say where the job stands."""
        self._write("progress.json", progress)

    def write_summary(self, summary: Summary) -> None:
        """Say that the job succeeded."""
        self._write("summary.json", summary)

    def write_failure(self, failure: Failure) -> None:
        """Say that the job failed."""
        self._write("failure.json", failure)

    def _read(self, name: str, model: type[M]) -> M | None:
        try:
            return model.model_validate_json((self.path / name).read_bytes())
        except FileNotFoundError:
            return None

    def _write(self, name: str, value: BaseModel) -> None:
        write_atomically(self.path / name, value.model_dump_json(by_alias=True).encode())

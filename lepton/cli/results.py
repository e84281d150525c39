"""What a revision left in its artifact: the build's report and, once proved, the gate's. Read-only.

Called by `report`, `logs` and `demo`; works on any address that fsspec knows.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lepton.artifact import read
from lepton.cli.errors import CommandError
from lepton.cli.place import Place
from lepton.errors import LeptonError
from lepton.report import GateReport, Report
from lepton.spec.reasons import Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import RevisionRecord

M = TypeVar("M", bound=BaseModel)

_ANEW = "delete the model and apply it again"


@dataclass(frozen=True)
class Result:
    """All that is known of one revision."""

    record: RevisionRecord
    report: Report
    gate: GateReport | None
    """None until the candidate was measured at its endpoint."""


def find_result(place: Place, model: LeptonModel, revision: int | None) -> Result:
    """The revision asked for; by default the one that serves, else the newest that has a report.

    Raises LeptonError with REVISION_NOT_FOUND when there is none, or when it has not written its report yet.
    """
    record = _choose(model, revision)
    if record.artifact is None:
        raise LeptonError(Reason.REVISION_NOT_FOUND, _no_report(model, record))
    problem = place.unreadable(record.artifact)
    if problem is not None:
        raise CommandError(problem)
    report = _read(record.artifact, "report.json", Report)
    if report is None:
        raise LeptonError(Reason.REVISION_NOT_FOUND, _no_report(model, record))
    return Result(record, report, _read(record.artifact, "gate.json", GateReport))


def find_revision(model: LeptonModel, revision: int | None) -> RevisionRecord:
    """The record of the revision asked for; of the newest by default. Raises LeptonError with REVISION_NOT_FOUND."""
    records = model.status.revisions
    found = next((record for record in records if revision in (None, record.number)), None)
    if found is not None:
        return found
    known = ", ".join(str(record.number) for record in records) or "none yet"
    wanted = "a revision" if revision is None else f"revision {revision}"
    message = f"{model.metadata.name} does not have {wanted}; it has: {known}"
    raise LeptonError(Reason.REVISION_NOT_FOUND, message)


def holdout(result: Result) -> tuple[str, bytes, str]:
    """The first held-out image of a revision: its member's name, its raw bytes, and the true class.

    Members of holdout.zip are `00000-<class index>.jpg|png`. Raises LeptonError, ARTIFACT_CORRUPT where it is missing.
    """
    import zipfile  # noqa: PLC0415 - only a demonstration needs it

    url = str(result.record.artifact)
    content = read(url, "holdout.zip")
    if content is None:
        raise LeptonError(Reason.ARTIFACT_CORRUPT, f"{url}/holdout.zip is missing: {_ANEW}")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        name = min(name for name in archive.namelist() if not name.endswith(".json"))
        return name, archive.read(name), result.report.classes[int(Path(name).stem.split("-")[1])]


def _choose(model: LeptonModel, revision: int | None) -> RevisionRecord:
    if revision is None and model.status.serving is not None:
        revision = model.status.serving.revision
    if revision is None:
        revision = next((record.number for record in model.status.revisions if record.artifact is not None), None)
    return find_revision(model, revision)


def _no_report(model: LeptonModel, record: RevisionRecord) -> str:
    name = model.metadata.name
    if record.outcome == "Failed":
        return f"revision {record.number} of {name} failed before it had a report: {record.message}"
    return (
        f"revision {record.number} of {name} is still being built and has no report yet: "
        f"`lepton get {name} -w` shows where it stands"
    )


def _read(url: str, name: str, kind: type[M]) -> M | None:
    content = read(url, name)
    try:
        return None if content is None else kind.model_validate_json(content)
    except ValidationError as error:
        problem = f"{url}/{name} is damaged, or written by another version of Lepton"
        raise LeptonError(Reason.ARTIFACT_CORRUPT, f"{problem}: {_ANEW}") from error

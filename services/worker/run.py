"""One job from its order to its end, wherever it runs. Called by the worker's entry points.

It leaves a summary or a failure with whoever ordered it.
"""

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from lepton.errors import LeptonError
from lepton.files import as_lepton_error, is_disk_full
from lepton.jobdir import JobOrder
from lepton.report import Failure, JobKind, Progress, Summary
from lepton.spec.reasons import Reason
from lepton.spec.resource import Spec
from services.worker.deadline import deadline
from services.worker.progress import Reporter, Reports


def build(order: JobOrder, reporter: Reporter) -> Summary:
    """Prepare the data, train, compress and package a revision."""
    from services.worker.data import prepare_data  # noqa: PLC0415 - a gate job needs none of it

    spec, work = Spec.model_validate(order.arguments["spec"]), Path(cast(str, order.arguments["work"]))
    with deadline(spec.train.deadline_minutes, reporter):
        prepared = prepare_data(order, spec, work, reporter)
        reporter.say(Progress(stage="train", message="loading PyTorch"))
        from services.worker.build import build_revision  # noqa: PLC0415 - brings torch, 8 s: bad data are told before, and a gate needs none of it

        return build_revision(order, spec, work, prepared, reporter)


def gate(order: JobOrder, reporter: Reporter) -> Summary:
    """Prove a loaded candidate."""
    from services.worker.gate import prove_candidate  # noqa: PLC0415 - a gate job never loads torch, nor a build tritonclient

    return prove_candidate(order, reporter)


KINDS: dict[JobKind, Callable[[JobOrder, Reporter], Summary]] = {"build": build, "gate": gate}


def run(order: JobOrder, reports: Reports, reporter: Reporter) -> int:
    """Run the job. Returns the exit status."""
    try:
        reports.write_summary(KINDS[order.kind](order, reporter))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the control loop must hear of it
        reason, message = _explained(error, order.model)
        print(f"failed: {reason}: {message}", file=sys.stderr)  # noqa: T201 - a job's log is what it prints
        with suppress(LeptonError):  # on a full disk: the control loop then finds that the job ended without a word
            reports.write_failure(Failure(reason=reason, message=message, stage=reporter.stage))
        return 1
    return 0


def _explained(error: BaseException, model: str) -> tuple[Reason, str]:
    """Reason and sentence of a failure; what nobody foresaw leaves its traceback in the log."""
    if isinstance(error, OSError) and is_disk_full(error):
        error = as_lepton_error(error, Path(error.filename or "the job's files"))
    if isinstance(error, LeptonError):
        return error.reason, error.message
    if isinstance(error, MemoryError):
        message = "the machine ran out of memory: lower train.batchSize or data.image.size, or free some memory"
        return Reason.OUT_OF_MEMORY, message
    traceback.print_exception(error)
    return Reason.JOB_FAILED, f"{f'{type(error).__name__}: {error}'[:2000]} (see `lepton logs {model}`)"

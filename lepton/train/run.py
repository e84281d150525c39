"""Runs a fit and hands back what came of it. Called by the build job, and by compress for fine-tuning.

One worker without a GPU is this very process: there is nothing to start and nothing to ship. More run as actors of Ray
Train, and a worker that dies is replaced and goes on from the checkpoint.
"""

from lepton.report import Say
from lepton.train import result
from lepton.train.fit import Fit, Fitted
from lepton.train.loop import train
from lepton.train.memory import out_of_memory


def fit(f: Fit, say: Say) -> Fitted:
    """Fit f.model to the examples in f.data; a fit that is done already is only read.

    Raises LeptonError: LOSS_NOT_FINITE, OUT_OF_MEMORY, MODEL_INVALID, INVALID_SPEC (more GPUs than Ray has), DISK_FULL,
    JOB_FAILED (the workers died again and again).
    """
    if not result.exists(f.directory):
        f.directory.mkdir(parents=True, exist_ok=True)
        if f.train.workers == 1 and f.train.resources.gpu == 0:
            _fit_here(f, say)
        else:
            from lepton.train.workers import fit_on_workers  # noqa: PLC0415 - one worker needs no Ray Train: 4 s and 135 MB

            fit_on_workers(f, say)
    return result.read(f.directory)


def _fit_here(f: Fit, say: Say) -> None:
    try:
        train(f, say)
    except (MemoryError, RuntimeError) as error:
        raise (out_of_memory(f, error) or error) from error

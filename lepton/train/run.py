"""Runs a fit on Ray Train and hands back what came of it. Called by the build job, and by compress for fine-tuning.

One worker without a GPU runs in this very process (Ray Train's local mode): there is nothing to start and nothing to
ship. More run as Ray actors, and a worker that dies is replaced and goes on from the checkpoint.
"""

import logging

from ray.train import ScalingConfig
from ray.train.torch import TorchTrainer

from lepton.report import Say
from lepton.train import result
from lepton.train.fit import Fit, Fitted
from lepton.train.loop import train
from lepton.train.memory import out_of_memory
from lepton.train.workers import fit_on_workers


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
            fit_on_workers(f, say)
    return result.read(f.directory)


def _fit_here(f: Fit, say: Say) -> None:
    logging.getLogger("ray.train").setLevel(logging.WARNING)  # it asks users of one worker to report that to Ray
    try:
        TorchTrainer(lambda: train(f, say), scaling_config=ScalingConfig(num_workers=0)).fit()
    except (MemoryError, RuntimeError) as error:
        raise (out_of_memory(f, error) or error) from error

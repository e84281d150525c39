"""Tells a lack of memory from all else that can go wrong in a step, and says what to do about it."""

import torch

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.spec.train import DEFAULT_BATCH_SIZE
from lepton.train.fit import Fit

_SIGNS = ("allocate memory", "not enough memory", "out of memory")


def out_of_memory(f: Fit, error: BaseException) -> LeptonError | None:
    """The error in words for a person when it was for lack of memory, else None."""
    return memory_error(f) if lacks_memory(error) else None


def lacks_memory(error: BaseException) -> bool:
    """Whether that is what the error is about, which PyTorch tells in several ways."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(sign in str(error).lower() for sign in _SIGNS)


def memory_error(f: Fit) -> LeptonError:
    """Not enough memory for a step of this fit."""
    remedy = (
        f"lower train.batchSize (now {f.train.batch_size or DEFAULT_BATCH_SIZE}), data.image.size or the model's width"
    )
    return LeptonError(Reason.OUT_OF_MEMORY, f"{f.stage}: the memory of a training worker is not enough: {remedy}")

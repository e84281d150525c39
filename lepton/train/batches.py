"""Which examples go into which step on which worker: a function of seed and epoch alone, so a resumed fit repeats it.

Used by the training loop. No file is opened here and no image is touched one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Batches:
    """The division of an epoch into steps of equal size.

    All steps are equally large, so that kernels are set up once and batch normalisation never meets a single example:
    the last step is filled up from the epoch's beginning.
    """

    examples: int
    batch_size: int
    """Over all workers together."""
    workers: int
    seed: int

    @property
    def per_worker(self) -> int:
        """Examples in one step of one worker, at least two."""
        return max(2, min(self.batch_size, self.examples) // self.workers)

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-self.examples // (self.per_worker * self.workers))

    def epoch(self, epoch: int, rank: int) -> Iterator[npt.NDArray[np.int64]]:
        """The example numbers of each step of one worker, each int64 [per_worker]."""
        order = np.random.default_rng((self.seed, epoch)).permutation(self.examples)
        filled = np.resize(order, (self.steps, self.workers, self.per_worker))
        return iter(filled[:, rank])


def random_seed(seed: int, epoch: int, rank: int) -> int:
    """The seed of all that is random on one worker in one epoch (augmentation, dropout), 32 bits."""
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])

"""The workers that share each step, seen from one of them: its rank, its device, and what they agree on together.

Used by the training loop on every worker. With one worker no communication takes place.
"""

from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Group:
    """One worker's place among all."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def current(cls) -> "Group":
        """The group of this process: the one that Ray Train has set up, or itself alone."""
        device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
        if not distributed.is_initialized():
            return cls(0, 1, device)
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    def total(self, values: list[float]) -> list[float]:
        """The sums of values over all workers, the same on each."""
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(tensor)
        return [float(value) for value in tensor.tolist()]

    def shared(self, net: nn.Module) -> nn.Module:
        """The network whose gradients are averaged over all workers."""
        if self.size == 1:
            return net
        return nn.parallel.DistributedDataParallel(net, forward_sync_buffers=False, gradient_as_bucket_view=True)

    def average_statistics(self, net: nn.Module) -> None:
        """Average what each worker's batch normalisation has gathered, so that all hold the same network."""
        if self.size == 1:
            return
        for buffer in net.buffers():
            if buffer.is_floating_point():
                distributed.all_reduce(buffer)
                buffer.div_(self.size)

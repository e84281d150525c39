"""A network on its way: one step of learning, and its answers for validation. Used by the loop and by the measurement.

It knows nothing of epochs, files or Ray.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lepton.report import Precision
from lepton.spec.data import Augmentation
from lepton.spec.train import Train
from lepton.train.data.augment import augment
from lepton.train.group import Group
from lepton.train.objective import Objective
from lepton.train.onednn import choose_onednn
from lepton.train.optimizers import make_optimizer
from lepton.train.served import Served

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


class Learner:
    """A network with its optimizer, in one precision and memory format, as one worker of a group.

    called maps normalised images to logits: the network of served itself, or what watches over it.
    """

    def __init__(
        self,
        served: Served,
        called: nn.Module,
        objective: Objective,
        train: Train,
        augmentations: Sequence[Augmentation],
        precision: Precision,
        group: Group,
    ) -> None:
        choose_onednn(served)
        memory_format = torch.channels_last if precision.channels_last else torch.contiguous_format
        self.served = served.to(group.device)
        self.objective = objective.to(group.device)
        for net in (self.served, self.objective):
            net.to(memory_format=memory_format)  # type: ignore[call-overload]  # torch's stubs lack this form
        self.net: nn.Module = self.served.net
        self.optimizer = make_optimizer(train.optimizer, self.net)
        self.generator = torch.Generator(group.device)
        self._augmentations = tuple(augmentations)
        self._precision = precision
        self._memory_format = memory_format
        self._device = group.device
        if precision.compiled:
            self.net.compile()
        self._called = called
        self._shared = group.shared(called)

    def seed(self, seed: int) -> None:
        """Fix all that is random from here on: augmentation, dropout."""
        torch.manual_seed(seed)
        self.generator.manual_seed(seed)

    def step(self, images: Images, labels: Labels, learning_rate: float) -> torch.Tensor:
        """Learn from uint8 [batch, height, width, channels] and int64 [batch]; the loss, still on the device."""
        self._shared.train()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        prepared = self._prepare(images, self._augmentations)
        with self._autocast():
            answers = self.objective.answers(prepared)
            logits = self._shared(prepared)
        loss: torch.Tensor = self.objective(logits, torch.from_numpy(labels).to(self._device), answers)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        self.optimizer.step()
        return loss.detach()

    def correct(self, images: Images, labels: Labels) -> int:
        """How many of a batch are classified as they should be."""
        self.net.eval()
        with torch.inference_mode(), self._autocast():
            # forward, not a call: compiling once more for evaluation would cost more than it gains
            answers = self._called.forward(self._prepare(images, ())).argmax(1)
        return int((answers.cpu() == torch.from_numpy(labels)).sum())

    def _autocast(self) -> torch.autocast:
        """Weights stay float32; what gains from it is computed in bfloat16, where that was chosen."""
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision.precision == "bfloat16")

    def _prepare(self, images: Images, augmentations: tuple[Augmentation, ...]) -> torch.Tensor:
        batch = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2)
        if augmentations:
            batch = augment(batch, augmentations, self.generator)
        normalised: torch.Tensor = self.served.normalise(batch)
        return normalised.contiguous(memory_format=self._memory_format)

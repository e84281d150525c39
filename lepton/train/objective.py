"""What a step makes small: the loss on the true labels, and on a teacher's answers where there is one."""

import torch
from torch import nn
from torch.nn import functional


class Objective(nn.Module):
    """Cross-entropy with label smoothing; with a teacher also distillation (Hinton et al. 2015, arXiv:1503.02531)."""

    def __init__(self, label_smoothing: float, teacher: nn.Module | None, temperature: float, alpha: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.teacher = teacher.eval().requires_grad_(False) if teacher is not None else None
        self.temperature = temperature
        self.alpha = alpha

    def answers(self, images: torch.Tensor) -> torch.Tensor | None:
        """The teacher's logits (batch, classes) for normalised images; None without a teacher."""
        if self.teacher is None:
            return None
        with torch.no_grad():
            logits: torch.Tensor = self.teacher(images)
        return logits

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, answers: torch.Tensor | None) -> torch.Tensor:
        """The mean loss of a batch, in float32 whatever the precision of the logits (batch, classes)."""
        hard = functional.cross_entropy(logits.float(), labels, label_smoothing=self.label_smoothing)
        if answers is None:
            return hard
        student = functional.log_softmax(logits.float() / self.temperature, 1)
        teacher = functional.log_softmax(answers.float() / self.temperature, 1)
        # The square keeps the gradient's size independent of the temperature.
        soft = functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * self.temperature**2
        return self.alpha * soft + (1 - self.alpha) * hard

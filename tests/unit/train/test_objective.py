import torch
from torch import nn
from torch.nn import functional

from lepton.train.objective import Objective

LOGITS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
LABELS = torch.tensor([0, 2])
ANSWERS = torch.tensor([[2.0, 0.0, 1.0], [-1.0, 1.0, 4.0]])


def test_without_a_teacher_the_loss_is_cross_entropy_with_label_smoothing() -> None:
    objective = Objective(0.1, None, 4.0, 0.7)
    assert objective.answers(LOGITS) is None
    expected = functional.cross_entropy(LOGITS, LABELS, label_smoothing=0.1)
    torch.testing.assert_close(objective(LOGITS, LABELS, None), expected)


def test_with_a_teacher_the_softened_answers_weigh_alpha() -> None:
    probabilities = (ANSWERS / 4).softmax(1)
    divergence = (probabilities * (probabilities.log() - (LOGITS / 4).softmax(1).log())).sum(1).mean()
    expected = 0.7 * 16 * divergence + 0.3 * functional.cross_entropy(LOGITS, LABELS)
    torch.testing.assert_close(Objective(0.0, nn.Identity(), 4.0, 0.7)(LOGITS, LABELS, ANSWERS), expected)


def test_a_student_that_answers_like_its_teacher_has_nothing_more_to_learn_from_it() -> None:
    loss = Objective(0.0, nn.Identity(), 4.0, 1.0)(ANSWERS.bfloat16(), LABELS, ANSWERS.bfloat16())
    torch.testing.assert_close(loss, torch.tensor(0.0))


def test_a_teacher_never_learns() -> None:
    teacher = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    objective = Objective(0.0, teacher, 4.0, 0.5)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    answers = objective.answers(LOGITS)
    assert answers is not None
    assert not answers.requires_grad
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())

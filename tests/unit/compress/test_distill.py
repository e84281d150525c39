"""Which network a student is."""

import pytest

from lepton.compress.methods.distill import student_model
from lepton.spec.compress import Student
from lepton.spec.model import Model

RESNET = Model(architecture="resnet", depth=20, width=32)


@pytest.mark.parametrize(
    ("teacher", "student", "network"),
    [
        (RESNET, Student(width=8), Model(architecture="resnet", depth=20, width=8)),
        (RESNET, Student(depth=8), Model(architecture="resnet", depth=8, width=32)),
        (RESNET, Student(architecture="cnn"), Model(architecture="cnn")),
        (Model(), Student(architecture="resnet", width=4), Model(architecture="resnet", width=4)),
        (Model(depth=14), Student(architecture="resnet"), Model(architecture="resnet", depth=14)),
        (Model(module="nets:build"), Student(architecture="lenet", width=4), Model(architecture="lenet", width=4)),
    ],
    ids=["narrower", "shallower", "another", "the default, named", "depth is inherited", "of a network of one's own"],
)
def test_a_student_takes_what_it_leaves_out_from_a_teacher_of_its_kind(
    teacher: Model, student: Student, network: Model
) -> None:
    assert student_model(teacher, student) == network

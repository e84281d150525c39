"""Distillation (Hinton et al. 2015, arXiv:1503.02531): which network learns. train.fit does the learning.

Called by compress.steps.
"""

from lepton.spec.compress import Student
from lepton.spec.model import Model


def student_model(teacher: Model, student: Student) -> Model:
    """The student's spec: what it leaves out is as in the teacher's. Whether it can be built, the spec has checked."""
    same = student.architecture in (None, teacher.architecture, teacher.resolved_architecture)
    inherited = teacher if same else Model()
    return Model(
        architecture=student.architecture or teacher.architecture,
        depth=student.depth or inherited.depth,
        width=student.width or inherited.width,
    )

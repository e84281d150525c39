"""Distillation (Hinton et al. 2015, arXiv:1503.02531): which network learns. train.fit does the learning.

Called by compress.steps.
"""

from lepton.errors import LeptonError
from lepton.spec.compress import Student
from lepton.spec.model import Model
from lepton.spec.reasons import Reason


def student_model(teacher: Model, student: Student) -> Model:
    """The student's spec: what it leaves out is as in the teacher's. Raises LeptonError with INVALID_SPEC."""
    if teacher.module is not None and student.architecture is None:
        message = "compress.steps: a student of a network given by model.module must name its architecture"
        raise LeptonError(Reason.INVALID_SPEC, message)
    same = student.architecture in (None, teacher.architecture, teacher.resolved_architecture)
    inherited = teacher if same else Model()
    try:
        return Model(
            architecture=student.architecture or teacher.architecture,
            depth=student.depth or inherited.depth,
            width=student.width or inherited.width,
        )
    except ValueError as error:
        message = f"compress.steps: the student of a distill step is no network: {error}"
        raise LeptonError(Reason.INVALID_SPEC, message) from error

"""Small artifacts that a real Triton loads: models that answer every request with one number."""

from pathlib import Path

from lepton.artifact import write_digest

_CONFIG = """\
backend: "python"
max_batch_size: 8
input [ { name: "image" data_type: TYPE_UINT8 dims: [ 2, 2, 1 ] } ]
output [ { name: "answer" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { }
"""
_MODEL = """\
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        if {broken}:
            raise pb_utils.TritonModelException("made to fail")

    def execute(self, requests):
        answers = [np.full((request.inputs()[0].as_numpy().shape[0], 1), {answer}, np.float32) for request in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("answer", answer)]) for answer in answers]
"""


def make_artifact(directory: Path, answer: int, *, broken: bool = False) -> str:
    """Write the artifact whose model gives this answer (its baseline: minus that), unless it is there. Its digest."""
    for folder, value in (("repository/model", answer), ("baseline/model", -answer)):
        model = directory / folder / "1" / "model.py"
        model.parent.mkdir(parents=True, exist_ok=True)
        (directory / folder / "config.pbtxt").write_text(_CONFIG)
        model.write_text(_MODEL.format(answer=value, broken=broken))
    return write_digest(directory)

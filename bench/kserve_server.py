"""KServe's own Python ModelServer around an ONNX file, as its documentation shows, for bench (a) to compare with.

`python -m bench.kserve_server ONNX PORT`. It listens on every interface, so bench.endpoint runs it where there is
only the loopback one. Its logs are quiet and ONNX Runtime has one thread, as in ours.
"""

import logging
import sys
from typing import Any

import onnxruntime

path, port = sys.argv[1], int(sys.argv[2])
sys.argv[1:] = ["--configure_logging=false", "--enable_latency_logging=false"]
logging.disable(logging.WARNING)

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer  # noqa: E402 - kserve reads its arguments when it is imported


class OnnxModel(Model):  # type: ignore[misc]  # kserve has no types
    """Runs the file on the binary tensor `image`."""

    def load(self) -> bool:
        """Read the file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.ready = True
        return True

    async def predict(self, payload: InferRequest, headers: Any = None, response_headers: Any = None) -> InferResponse:
        """One request, as the protocol's types come in."""
        probabilities = self.session.run(None, {"image": payload.inputs[0].as_numpy()})[0]
        output = InferOutput("probabilities", list(probabilities.shape), "FP32")
        output.set_data_from_numpy(probabilities, binary_data=True)
        return InferResponse(payload.id, self.name, [output])


if __name__ == "__main__":
    model = OnnxModel("cnn")
    model.load()
    ModelServer(http_port=port, enable_grpc=False, enable_latency_logging=False).start([model])

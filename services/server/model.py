"""The model that Triton's python backend serves: raw JPEG/PNG bytes or a uint8 tensor in, label and probabilities out.

Packaging copies this folder's files verbatim into every artifact, beside image.py, model.onnx and model.json; Triton
imports them there. They need numpy, ONNX Runtime and Pillow only. A request that can't be read fails alone, in
words; it never fails the batch that it came with.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import seal  # type: ignore[import-not-found]  # beside this file in the repository
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]  # Triton brings it
from image import decode  # type: ignore[import-not-found]  # beside this file in the repository
from metrics import Metrics  # type: ignore[import-not-found]  # beside this file in the repository

Images = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]

PROBE_ID = "lepton-probe"
"""The request id of the control loop's health probes."""


class BadInput(Exception):  # noqa: N818 - the sender's error, not ours
    """What is wrong with one request, in words for its sender."""


class TritonPythonModel:
    """One instance of the served model; Triton calls its methods from one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Verify the files and load the model. Raises in words when it must not serve."""
        config = json.loads(args["model_config"])
        folder = Path(args["model_repository"]).resolve()
        if "digest" in config["parameters"]:
            seal.check(folder, config["parameters"]["digest"]["string_value"])
        files = folder / args["model_version"]
        settings = json.loads((files / "model.json").read_text())
        self._shape = (settings["height"], settings["width"], settings["channels"])
        self._resize = settings["resize"]
        self._session = _session(files / "model.onnx")
        self._none = np.empty((0, len(settings["classes"])), np.float32)
        self._outputs = _outputs(settings["classes"], settings["topK"])
        self._metrics = Metrics(args["model_name"], settings["classes"])
        self._warmup_left = sum(sample["batch_size"] for sample in config["model_warmup"])

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer all requests, each of shape [n, ...], with one run of the model."""
        read = [self._read(request) for request in requests]
        good = [images for images in read if not isinstance(images, BadInput)]
        answers = self._predict(good[0] if len(good) == 1 else np.concatenate(good)) if good else self._none
        responses = []
        start = 0
        for request, images in zip(requests, read, strict=True):
            if isinstance(images, BadInput):
                self._metrics.note_bad_input()
                responses.append(_refusal(images))
            else:
                probabilities = answers[start : start + len(images)]
                start += len(images)
                responses.append(self._response(request, probabilities))
                self._count(request, probabilities)
        return responses

    def finalize(self) -> None:
        """Report the last predictions."""
        self._metrics.close()

    def _count(self, request: Any, probabilities: Probabilities) -> None:
        """Note what a user was told. Neither Triton's warm-up, which comes first, nor a health probe counts."""
        if self._warmup_left > 0:
            self._warmup_left -= len(probabilities)
        elif request.request_id() != PROBE_ID:
            self._metrics.note(probabilities)

    def _predict(self, images: Images) -> Probabilities:
        answer: Probabilities = self._session.run(["probabilities"], {"image": images})[0]
        return answer

    def _read(self, request: Any) -> Images | BadInput:
        tensors = request.inputs()
        if len(tensors) != 1:
            return BadInput(f"give exactly one of the inputs image_bytes and image, not {len(tensors)} of them")
        array: npt.NDArray[Any] = tensors[0].as_numpy()
        if tensors[0].name() == "image":
            return array
        try:
            return np.stack([self._decode(raw, i, len(array)) for i, raw in enumerate(array.ravel())])
        except BadInput as problem:
            return problem

    def _decode(self, raw: bytes, index: int, count: int) -> Images:
        try:
            image: Images = decode(raw, *self._shape, self._resize)
        except ValueError as error:
            which = f"image {index + 1} of {count} in image_bytes" if count > 1 else "image_bytes"
            raise BadInput(f"{which}: {error}; send the bytes of the image file as they are") from error
        return image

    def _response(self, request: Any, probabilities: Probabilities) -> Any:
        wanted = request.requested_output_names()
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor(name, self._outputs[name](probabilities)) for name in wanted]
        )


def _refusal(problem: BadInput) -> Any:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(problem), pb_utils.TritonError.INVALID_ARG))


def _session(path: Path) -> onnxruntime.InferenceSession:
    """One thread for each instance: a second one, beside a busy core, makes the slowest answers far slower."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _outputs(classes: Sequence[str], k: int) -> dict[str, Callable[[Probabilities], npt.NDArray[Any]]]:
    """How each output [n, ...] comes from the probabilities [n, classes]; each is computed only when asked for."""
    labels = np.array([name.encode() for name in classes], dtype=np.object_)

    def likeliest(probabilities: Probabilities) -> npt.NDArray[np.int64]:
        return np.argsort(-probabilities, axis=1, kind="stable")[:, :k]

    return {
        "label": lambda p: labels[p.argmax(axis=1)][:, None],
        "probability": lambda p: p.max(axis=1, keepdims=True),
        "top_k_labels": lambda p: labels[likeliest(p)],
        "top_k_probabilities": lambda p: np.take_along_axis(p, likeliest(p), axis=1),
        "probabilities": lambda p: p,
    }

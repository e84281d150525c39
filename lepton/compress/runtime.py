"""ONNX Runtime as the served model runs it: the CPU provider, one thread for each session.

Used by export, measure and steps. More threads made the tails 2-40 times worse beside a busy core.
"""

import itertools
from pathlib import Path

import numpy as np
import onnxruntime
from joblib import cpu_count
from numpy.typing import NDArray

_BATCH = 64
_ERRORS_ONLY = 3


def session(model: bytes | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session on a serialized model or a file, with all graph optimisations."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def predict(runtime: onnxruntime.InferenceSession, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities [examples, classes] for uint8 NHWC images, in batches."""
    starts = itertools.pairwise([*range(0, len(images), _BATCH), len(images)])
    return np.concatenate([runtime.run(None, {"image": np.ascontiguousarray(images[a:b])})[0] for a, b in starts])


def accuracy_percent(path: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Share of the images for which the file's likeliest class is the label, in percent."""
    answers = predict(session(path, threads=cpu_count()), images).argmax(axis=1)
    return 100.0 * float(np.mean(answers == labels))

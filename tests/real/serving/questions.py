"""Questions to a served model, good and bad, as callers ask them: `python -m ... HTTP GRPC MODEL` prints the answers.

As a program, so that they can also be asked within a network that only another process is in. What a server answers is
told without what may differ between two that are alike: the order of outputs, and the words of a refusal.
"""

import http.client
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from tests.real.serving import quadrants

OUTPUTS = ("label", "probability", "top_k_labels", "top_k_probabilities", "probabilities")
IMAGES, LABELS = quadrants.images(40)
FILES = np.array([[quadrants.png(image)] for image in IMAGES], np.object_)
PROTOCOLS: dict[str, Any] = {"http": tritonclient.http, "grpc": tritonclient.grpc}
Inputs = dict[str, np.ndarray]

INFERENCES: dict[str, tuple[Inputs, tuple[str, ...]]] = {
    "one tensor": ({"image": IMAGES[:1]}, OUTPUTS),
    "tensors": ({"image": IMAGES[:8]}, OUTPUTS),
    "files": ({"image_bytes": FILES[:8]}, OUTPUTS),
    "as many as a batch holds": ({"image": IMAGES[:32]}, ("label",)),
    "all outputs, because none is named": ({"image": IMAGES[:2]}, ()),
    "an output twice the size of another": ({"image": IMAGES[:2]}, ("probabilities", "label")),
    "more than a batch holds": ({"image": IMAGES[:33]}, ("label",)),
    "no image": ({"image": IMAGES[:0]}, ("label",)),
    "both inputs": ({"image": IMAGES[:1], "image_bytes": FILES[:1]}, ("label",)),
    "no such input": ({"picture": IMAGES[:1]}, ("label",)),
    "no such output": ({"image": IMAGES[:1]}, ("colour",)),
    "another type": ({"image": IMAGES[:1].astype(np.float32)}, ("label",)),
    "another shape": ({"image": IMAGES[:1, :4]}, ("label",)),
    "too few dimensions": ({"image": IMAGES[0]}, ("label",)),
    "no image file": ({"image_bytes": np.array([[b"junk"]], np.object_)}, ("label",)),
    "one bad file of two": ({"image_bytes": np.array([FILES[0], [b"junk"]], np.object_)}, ("label",)),
}
NUM_BAD_IMAGES = 6
"""Requests that the model itself refuses: three of the above, over each protocol."""
ZERO = {"name": "image", "datatype": "UINT8", "shape": [1, *quadrants.SHAPE], "data": [0] * quadrants.SIZE**2}
BODIES: dict[str, Any] = {
    "flat": {"inputs": [ZERO]},
    "nested": {"inputs": [{**ZERO, "data": np.zeros((1, *quadrants.SHAPE), int).tolist()}], "id": "mine"},
    "one output": {"inputs": [ZERO], "outputs": [{"name": "label"}]},
    "too little data": {"inputs": [{**ZERO, "data": [0, 1]}]},
    "text for numbers": {"inputs": [{**ZERO, "data": ["a"] * quadrants.SIZE**2}]},
    "a number too great": {"inputs": [{**ZERO, "data": [300] * quadrants.SIZE**2}]},
    "fractions": {"inputs": [{**ZERO, "data": [0.5] * quadrants.SIZE**2}]},
    "numbers below 0": {"inputs": [{**ZERO, "data": [-1] * quadrants.SIZE**2}]},
    "no numbers": {"inputs": [{**ZERO, "data": [None] * quadrants.SIZE**2}]},
    "true for 1": {"inputs": [{**ZERO, "data": [True] * quadrants.SIZE**2}]},
    "a shape below 0": {"inputs": [{**ZERO, "shape": [-1, *quadrants.SHAPE]}]},
    "a shape that is none": {"inputs": [{**ZERO, "shape": "x"}]},
    "a number for an id": {"inputs": [ZERO], "id": 7},
    "outputs that are none": {"inputs": [ZERO], "outputs": "label"},
    "an input twice": {"inputs": [ZERO, ZERO]},
    "no inputs": {"inputs": []},
    "nothing": {},
    "no datatype": {"inputs": [{"name": "image", "shape": [1, *quadrants.SHAPE], "data": [0]}]},
}
PATHS = (
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{model}",
    "/v2/models/{model}/versions/1",
    "/v2/models/{model}/versions/2",
    "/v2/models/{model}/ready",
    "/v2/models/{model}/versions/1/ready",
    "/v2/models/nobody",
    "/v2/models/nobody/ready",
    "/v2/models/nobody/config",
    "/v2/nothing",
    "/",
)


def answers(address: str, grpc_address: str, model: str) -> dict[str, Any]:
    """What it answers to each question, in JSON."""
    said: dict[str, Any] = {}
    for protocol, module in PROTOCOLS.items():
        client = module.InferenceServerClient(address if protocol == "http" else grpc_address)
        for name, (inputs, outputs) in INFERENCES.items():
            said[f"{protocol}: {name}"] = _attempt(lambda: _infer(module, client, model, inputs, outputs))  # noqa: B023
        said[f"{protocol}: another model"] = _attempt(lambda: _infer(module, client, "nobody", *INFERENCES["tensors"]))  # noqa: B023
        for name, ask in _asked(client, model, protocol).items():
            said[f"{protocol}: {name}"] = _attempt(ask)
        client.close()
    for path in PATHS:
        said[f"GET {path}"] = _status(address, "GET", path.format(model=model))
    said["GET infer"] = _status(address, "GET", f"/v2/models/{model}/infer")
    for name, body in BODIES.items():
        status, answer = _request(address, "POST", f"/v2/models/{model}/infer", json.dumps(body))
        said[f"POST {name}"] = [status, _in_order(json.loads(answer)) if status == 200 else None]
    said["POST what is no JSON"] = _request(address, "POST", f"/v2/models/{model}/infer", "{")[0]
    return said


def _asked(client: Any, model: str, protocol: str) -> dict[str, Callable[[], Any]]:
    as_json = {"as_json": True} if protocol == "grpc" else {}
    return {
        "live": client.is_server_live,
        "ready": client.is_server_ready,
        "model ready": lambda: client.is_model_ready(model),
        "version ready": lambda: client.is_model_ready(model, "1"),
        "another ready": lambda: client.is_model_ready("nobody"),
        "metadata": lambda: client.get_model_metadata(model, **as_json),
        "metadata of another": lambda: client.get_model_metadata("nobody", **as_json),
        "digest": lambda: _digest(client.get_model_config(model, **as_json)),
    }


def _digest(config: Any) -> Any:
    config = config.get("config", config)
    return [config["name"], config["max_batch_size"], config["parameters"]["digest"]["string_value"]]


def _infer(module: Any, client: Any, model: str, inputs: Inputs, outputs: tuple[str, ...]) -> Any:
    tensors = []
    for name, array in inputs.items():
        datatype = {"uint8": "UINT8", "object": "BYTES", "float32": "FP32"}[array.dtype.name]
        tensors.append(module.InferInput(name, list(array.shape), datatype))
        tensors[-1].set_data_from_numpy(array)
    wanted = [module.InferRequestedOutput(name) for name in outputs] or None
    result = client.infer(model, tensors, outputs=wanted, request_id="mine")
    response = result.get_response() if module is tritonclient.http else result.get_response(as_json=True)
    values = {one["name"]: np.round(_plain(result.as_numpy(one["name"])), 5).tolist() for one in response["outputs"]}
    described = [[one["name"], one["datatype"], [int(size) for size in one["shape"]]] for one in response["outputs"]]
    return [response["model_name"], response["model_version"], response.get("id"), sorted(described), values]


def _in_order(said: Any) -> Any:
    return {**said, "outputs": sorted(said["outputs"], key=lambda one: str(one["name"]))}


def _plain(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.object_:
        return array
    return np.array([list(quadrants.CLASSES).index(one.decode()) for one in array.ravel()]).reshape(array.shape)


def _attempt(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except InferenceServerException as error:
        return {"refused": error.status()}


def _status(address: str, method: str, path: str) -> int:
    return _request(address, method, path)[0]


def _request(address: str, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


if __name__ == "__main__":
    print(json.dumps(answers(*sys.argv[1:])))  # noqa: T201 - a program's words

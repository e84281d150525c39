"""What a real tritonserver answers when it serves a real artifact."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from lepton.artifact import verify
from lepton.spec.deploy import Batching, Deploy
from tests.installation import wait_until
from tests.real.serving import quadrants
from tests.real.serving.artifacts import quadrants_artifact
from tests.real.serving.private_triton import PrivateTriton

MODULES = {"http": tritonclient.http, "grpc": tritonclient.grpc}
ALL_OUTPUTS = ("label", "probability", "top_k_labels", "top_k_probabilities", "probabilities")


@contextmanager
def connected(server: PrivateTriton, protocol: str) -> Iterator:
    address = server.grpc if protocol == "grpc" else server.http.removeprefix("http://")
    client = MODULES[protocol].InferenceServerClient(address)
    try:
        yield client
    finally:
        client.close()


def ask(client, model: str, outputs: tuple[str, ...] = ALL_OUTPUTS, **inputs: np.ndarray) -> dict[str, list]:
    """The outputs that the server sent, as lists."""
    module = MODULES["grpc" if "grpc" in type(client).__module__ else "http"]
    tensors = []
    for name, array in inputs.items():
        tensors.append(module.InferInput(name, list(array.shape), "UINT8" if name == "image" else "BYTES"))
        tensors[-1].set_data_from_numpy(array)
    answer = client.infer(model, tensors, outputs=[module.InferRequestedOutput(name) for name in outputs])
    response = answer.get_response() if module is tritonclient.http else answer.get_response(as_json=True)
    return {output["name"]: answer.as_numpy(output["name"]).tolist() for output in response["outputs"]}


def files(images: np.ndarray) -> np.ndarray:
    return np.array([[quadrants.png(image)] for image in images], np.object_)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    directory = tmp_path_factory.mktemp("served") / "artifact"
    return directory, quadrants_artifact(directory)


@pytest.fixture(scope="module")
def model(triton: PrivateTriton, artifact: tuple[Path, str]) -> Iterator[str]:
    directory, digest = artifact
    assert triton.load("quadrants", directory / "repository" / "model", digest) is None
    yield "quadrants"
    triton.unload("quadrants")


@pytest.mark.parametrize("protocol", MODULES)
def test_files_and_tensors_of_the_same_images_get_the_same_answers(triton, model, protocol):
    images, labels = quadrants.images(8)
    with connected(triton, protocol) as client:
        from_tensors = ask(client, model, image=images)
        from_files = ask(client, model, image_bytes=files(images))
    assert from_files == from_tensors
    assert from_tensors["label"] == [[quadrants.CLASSES[label].encode()] for label in labels]
    best_first = np.sort(from_tensors["probabilities"], axis=1)[:, ::-1]
    assert from_tensors["top_k_probabilities"] == best_first[:, :3].tolist()
    assert from_tensors["probability"] == best_first[:, :1].tolist()
    assert [top[0] for top in from_tensors["top_k_labels"]] == [label for [label] in from_tensors["label"]]


@pytest.mark.parametrize("output", ALL_OUTPUTS)
def test_only_the_outputs_asked_for_are_sent(triton, model, output):
    with connected(triton, "http") as client:
        assert list(ask(client, model, (output,), image=quadrants.images(1)[0])) == [output]


def test_an_image_of_another_size_and_mode_is_prepared_by_the_server(triton, model):
    images, labels = quadrants.images(4)
    large = images.repeat(5, axis=1).repeat(5, axis=2)
    with connected(triton, "http") as client:
        answer = ask(client, model, ("label",), image_bytes=files(large))
    assert answer["label"] == [[quadrants.CLASSES[label].encode()] for label in labels]


BAD = {
    "bytes that are no image": (
        {"image_bytes": np.array([[b"junk"]], np.object_)},
        "image_bytes: not a JPEG, PNG, BMP, WebP or GIF image; send the bytes of the image file as they are",
    ),
    "no byte at all": (
        {"image_bytes": np.array([[b""]], np.object_)},
        "image_bytes: not a JPEG, PNG, BMP, WebP or GIF image; send the bytes of the image file as they are",
    ),
    "one bad image of two": (
        {"image_bytes": np.array([[quadrants.png(quadrants.images(1)[0][0])], [b"junk"]], np.object_)},
        "image 2 of 2 in image_bytes: not a JPEG, PNG, BMP, WebP or GIF image; "
        "send the bytes of the image file as they are",
    ),
    "both inputs at once": (
        {"image": quadrants.images(1)[0], "image_bytes": files(quadrants.images(1)[0])},
        "give exactly one of the inputs image_bytes and image, not 2 of them",
    ),
}


@pytest.mark.parametrize("protocol", MODULES)
@pytest.mark.parametrize("problem", BAD)
def test_a_bad_request_is_told_in_words_what_is_wrong(triton, model, protocol, problem):
    inputs, words = BAD[problem]
    with (
        connected(triton, protocol) as client,
        pytest.raises(tritonclient.http.InferenceServerException) as refusal,
    ):
        ask(client, model, **inputs)
    assert refusal.value.message() == words


def test_a_bad_image_never_fails_the_batch_that_it_came_with(triton, tmp_path):
    deploy = Deploy(batching=Batching(max_size=8, max_delay_ms=300.0))
    digest = quadrants_artifact(tmp_path / "slow", deploy=deploy)
    assert triton.load("waits", tmp_path / "slow" / "repository" / "model", digest) is None
    images, labels = quadrants.images(4)
    raw = files(images)
    raw[1, 0] = b"junk"
    got: list[object] = [None] * 4
    with connected(triton, "grpc") as client:
        before = executions(client, "waits")
        for place in range(4):
            tensor = tritonclient.grpc.InferInput("image_bytes", [1, 1], "BYTES")
            tensor.set_data_from_numpy(raw[place : place + 1])

            def keep(result, error, place=place):
                got[place] = error.message() if error else result.as_numpy("label").item()

            client.async_infer("waits", [tensor], keep)
        wait_until(lambda: all(got), "every answer came", 60)
        executed = executions(client, "waits") - before
    triton.unload("waits")
    names = [quadrants.CLASSES[label].encode() for label in labels]
    assert [got[0], got[2], got[3]] == [names[0], names[2], names[3]]
    assert "not a JPEG" in str(got[1])
    assert executed < 4, "the requests did not share a batch, so the test shows nothing"


def executions(client, model: str) -> int:
    return int(client.get_inference_statistics(model).model_stats[0].execution_count)


def samples(server: PrivateTriton, model: str) -> dict[tuple[str, str], float]:
    """Our own metrics of a model: (name, value of its class or le label) to value."""
    lines = re.findall(r"^(lepton_\w+)\{(.*)\} (\S+)$", server.metrics(), re.MULTILINE)
    labelled = [(name, dict(re.findall(r'(\w+)="(.*?)"', labels)), float(value)) for name, labels, value in lines]
    return {
        (name, labels.get("class", labels.get("le", ""))): value
        for name, labels, value in labelled
        if labels["model"] == model
    }


def test_what_users_asked_is_counted_across_instances_and_warm_up_and_probes_are_not(triton, artifact):
    directory, digest = artifact
    assert triton.load("counted", directory / "repository" / "model", digest, instances=2) is None
    assert set(samples(triton, "counted").values()) == {0.0}
    images, _ = quadrants.images(6)
    with connected(triton, "http") as client:
        answer = ask(client, "counted", ("probability",), image=images)
        with pytest.raises(tritonclient.http.InferenceServerException):
            ask(client, "counted", image_bytes=np.array([[b"junk"]], np.object_))
        probe = tritonclient.http.InferInput("image", list(images.shape), "UINT8")
        probe.set_data_from_numpy(images)
        client.infer("counted", [probe], request_id="lepton-probe")
    confidence = np.array(answer["probability"])
    wait_until(lambda: samples(triton, "counted")["lepton_bad_inputs_total", ""] == 1, "it is counted", 60)
    failed = re.findall(r'^nv_inference_request_failure\{model="counted".*\} (\S+)$', triton.metrics(), re.MULTILINE)
    assert set(failed) == {"0"}, "the alert on failures must not fire for it"
    wait_until(lambda: samples(triton, "counted")["lepton_prediction_confidence_count", ""] == 6, "all are counted", 60)
    counted = samples(triton, "counted")
    assert [counted["lepton_predictions_total", name] for name in quadrants.CLASSES] == [2, 2, 1, 1]
    assert counted["lepton_prediction_confidence_bucket", "0.9"] == (confidence <= 0.9).sum()
    assert counted["lepton_prediction_confidence_bucket", "+Inf"] == 6
    assert counted["lepton_prediction_confidence_sum", ""] == pytest.approx(confidence.sum(), rel=1e-6)
    triton.unload("counted")


def test_a_file_that_differs_from_the_seal_is_never_served(triton, tmp_path):
    digest = quadrants_artifact(tmp_path / "a")
    onnx = tmp_path / "a" / "repository" / "model" / "1" / "model.onnx"
    content = bytearray(onnx.read_bytes())
    content[len(content) // 2] ^= 1
    onnx.write_bytes(content)
    words = triton.load("flipped", tmp_path / "a" / "repository" / "model", digest)
    assert f"{onnx} is missing or not what was sealed" in str(words)


def test_an_artifact_other_than_the_one_asked_for_is_never_served(triton, artifact):
    words = triton.load("other", artifact[0] / "repository" / "model", "sha256:" + "0" * 64)
    assert f"is not the digest sha256:{'0' * 64} that was asked for" in str(words)


def test_serving_leaves_the_sealed_folder_as_it_was(triton, model, artifact):
    assert verify(artifact[0]) == artifact[1]


DEPLOYS = {
    "by default": Deploy(),
    "without batching": Deploy(batching=Batching(max_size=1)),
    "with more instances and some delay": Deploy(instances=2, batching=Batching(max_size=4, max_delay_ms=0.5)),
    "with more answers asked for than there are classes": Deploy(top_k=100),
}


@pytest.mark.parametrize("deploy", DEPLOYS.values(), ids=DEPLOYS.keys())
def test_triton_takes_the_configuration(triton, tmp_path, deploy):
    digest = quadrants_artifact(tmp_path / "a", deploy=deploy)
    assert triton.load("configured", tmp_path / "a" / "repository" / "model", digest) is None
    with connected(triton, "http") as client:
        config = client.get_model_config("configured")
        answer = ask(client, "configured", ("top_k_labels",), image=quadrants.images(1)[0])
    triton.unload("configured")
    assert config["parameters"] == {"digest": {"string_value": digest}}
    assert config["max_batch_size"] == deploy.batching.max_size
    assert ("dynamic_batching" in config) == (deploy.batching.max_size > 1)
    assert len(answer["top_k_labels"][0]) == min(deploy.top_k, len(quadrants.CLASSES))
    assert json.loads((tmp_path / "a/repository/model/1/model.json").read_text())["classes"] == list(quadrants.CLASSES)

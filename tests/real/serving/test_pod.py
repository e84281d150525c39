"""What runs in a server's pod, as processes: the artifact is fetched and verified, then served, healed and stopped."""

import http.client
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lepton.gate.cost import clock_of_pod, costs
from lepton.report import Failure
from lepton.spec.reasons import Reason
from tests.installation import free_ports, wait_until
from tests.real.serving.artifacts import quadrants_artifact
from tests.real.serving.quadrants import SHAPE


def module(name: str, *arguments: str, words: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"services.server.{name}", *arguments]
    return subprocess.Popen(command, env={**os.environ, "LEPTON_LAST_WORDS": str(words)})


@pytest.fixture
def artifact(tmp_path: Path) -> tuple[Path, str]:
    return tmp_path / "artifact", quadrants_artifact(tmp_path / "artifact")


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def answer(port: int) -> str | None:
    """The label of a black image; None while the endpoint can't tell."""
    zeros = {"name": "image", "datatype": "UINT8", "shape": [1, *SHAPE], "data": [0] * math.prod(SHAPE)}
    body = json.dumps({"inputs": [zeros], "outputs": [{"name": "label"}]})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v2/models/pets/infer", body)
    said = json.loads(connection.getresponse().read())
    return str(said["outputs"][0]["data"][0]) if "outputs" in said else None


@pytest.fixture
def pod(artifact: tuple[Path, str], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    directory, digest = artifact
    folder, ports = str(tmp_path / "models"), free_ports(4)
    assert module("fetch", str(directory), digest, folder, words=tmp_path / "words").wait() == 0
    options = [f"--{name}-port={port}" for name, port in zip(("http", "grpc", "metrics", "state"), ports, strict=True)]
    arguments = ["pets", "served", digest, "1", folder, "--host=127.0.0.1", *options]
    process = module("serve", *arguments, words=tmp_path / "words")
    wait_until(lambda: status(ports[3], "/readyz") == 200, "the pod is ready", 180)
    yield process, ports
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert status(ports[0], "/v2/health/live") == 0


def test_the_model_answers_under_its_own_name_and_again_after_its_process_was_killed(
    pod: tuple[subprocess.Popen[bytes], list[int]],
) -> None:
    process, (http_port, _, _, state_port) = pod
    before = answer(http_port)
    assert before is not None
    (stub,) = (one for one in psutil.Process(process.pid).children(recursive=True) if "stub" in one.name())
    stub.kill()
    wait_until(lambda: not stub.is_running() or stub.status() == psutil.STATUS_ZOMBIE, "the stub is gone", 10)
    wait_until(lambda: status(state_port, "/readyz") == 200 and answer(http_port) == before, "it is healed", 60)


def test_the_gate_can_tell_what_the_server_spends(pod: tuple[subprocess.Popen[bytes], list[int]]) -> None:
    _, (http_port, _, _, state_port) = pod
    clock = clock_of_pod(f"http://127.0.0.1:{state_port}/metrics")
    before = clock()
    spent = costs({"one": lambda number: answer(http_port)}, {"one": clock}, None)["one"]
    assert (clock() > before > 0, 0.01 < spent.cpu_seconds < 100, spent.joules) == (True, True, None)


def test_an_artifact_that_is_not_the_one_asked_for_never_reaches_the_server(
    artifact: tuple[Path, str], tmp_path: Path
) -> None:
    directory, digest = artifact
    words, folder = tmp_path / "words", str(tmp_path / "models")
    assert module("fetch", str(directory), "sha256:0", folder, words=words).wait() == 1
    assert Failure.model_validate_json(words.read_text()).reason is Reason.DIGEST_MISMATCH
    (directory / "repository" / "model" / "1" / "model.onnx").write_bytes(b"other weights")
    assert module("fetch", str(directory), digest, str(tmp_path / "others"), words=words).wait() == 1
    told = Failure.model_validate_json(words.read_text())
    assert (told.reason, "model.onnx" in told.message) == (Reason.ARTIFACT_CORRUPT, True)

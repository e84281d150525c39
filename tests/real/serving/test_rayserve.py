"""What a real Ray Serve answers when it serves a real artifact: what a real Triton answers."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.artifact import verify
from lepton.spec.deploy import Batching, Deploy
from tests.installation import wait_until
from tests.real.serving import questions
from tests.real.serving.artifacts import quadrants_artifact
from tests.real.serving.private_ray import PATIENCE_S, PrivateRay
from tests.real.serving.private_triton import PrivateTriton
from tests.real.serving.quadrants import CLASSES

pytestmark = pytest.mark.timeout(3 * PATIENCE_S)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    directory = tmp_path_factory.mktemp("served") / "artifact"
    return directory, quadrants_artifact(directory, deploy=Deploy(batching=Batching(max_delay_ms=5)))


@pytest.fixture(scope="module")
def ray(artifact: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRay]:
    directory, digest = artifact
    folder = tmp_path_factory.mktemp("r")
    fetch = [sys.executable, "-m", "services.server.fetch", str(directory), digest, str(folder)]
    subprocess.run(fetch, check=True)
    with PrivateRay(folder, digest, Deploy(engine="rayserve")) as node:
        yield node


def test_it_answers_every_question_as_triton_does(
    ray: PrivateRay, triton: PrivateTriton, artifact: tuple[Path, str]
) -> None:
    directory, digest = artifact
    assert triton.load("pets", directory / "repository" / "model", digest) is None
    by_triton = questions.answers(triton.http.removeprefix("http://"), triton.grpc, "pets")
    triton.unload("pets")
    done = ray.run("-m", "tests.real.serving.questions", "127.0.0.1:8000", "127.0.0.1:8001", "pets")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(by_triton))


def samples(text: str) -> dict[str, float]:
    """Metrics, by name and labels but for the model and its version."""
    found = re.findall(r"^(\w+)(\{.*\})? (\S+)$", text, re.MULTILINE)
    return {name + re.sub(r'(model|version)="\w*",?|[{}]', "", labels): float(value) for name, labels, value in found}


def test_what_callers_asked_is_counted_and_what_its_keeper_asked_is_not(ray: PrivateRay) -> None:
    body = questions.BODIES["flat"]
    before = samples(ray.metrics(8002))
    assert ray.ask("POST", "http://127.0.0.1:8000/v2/models/pets/infer", body) is not None
    assert ray.ask("POST", "http://127.0.0.1:8000/v2/models/pets/infer", questions.BODIES["too little data"]) is None

    def counted() -> dict[str, float]:
        now = samples(ray.metrics(8002))
        return {name: now[name] - before[name] for name in now if name.startswith("lepton_predictions_total")}

    wait_until(lambda: sum(counted().values()) > 0, "it is counted", 30)
    black_is = "north-west"
    assert counted() == {f'lepton_predictions_totalclass="{name}",': float(name == black_is) for name in CLASSES}
    assert samples(ray.metrics(8002))["nv_inference_request_success"] > before["nv_inference_request_success"]


def test_the_gate_can_tell_what_it_spends_and_which_files_it_verified(
    ray: PrivateRay, artifact: tuple[Path, str]
) -> None:
    before = samples(ray.metrics(8003))["lepton_server_cpu_seconds_total"]
    wait_until(lambda: samples(ray.metrics(8003))["lepton_server_cpu_seconds_total"] > before > 0, "it counts", 30)
    assert f'digest="{artifact[1]}",model="pets",variant="served"' in ray.metrics(8003)


def test_serving_leaves_the_sealed_folder_as_it_was(ray: PrivateRay, artifact: tuple[Path, str]) -> None:
    assert verify(ray.folder / "cache" / artifact[1].removeprefix("sha256:")) == artifact[1]


def test_ray_that_is_killed_ends_the_node_and_says_so(ray: PrivateRay) -> None:
    """The last one: nothing answers afterwards."""
    (raylet,) = (one for one in ray.processes() if one.name() == "raylet")
    raylet.kill()
    wait_until(lambda: ray.ended() == 1, "the node has ended", 60)
    assert "Ray ended with exit code" in (ray.folder / "words").read_text()

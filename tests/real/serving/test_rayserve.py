"""What a real Ray Serve answers when it serves a real artifact: what a real Triton answers."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.artifact import verify
from lepton.backends.local.home import Home
from lepton.spec.deploy import Batching, Deploy
from tests.installation import wait_until
from tests.real.serving import questions
from tests.real.serving.artifacts import quadrants_artifact
from tests.real.serving.private_ray import PATIENCE_S, PrivateRay
from tests.real.serving.private_triton import PrivateTriton

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


def test_it_answers_every_question_as_triton_does_and_counts_the_same(
    ray: PrivateRay, triton: PrivateTriton, artifact: tuple[Path, str]
) -> None:
    directory, digest = artifact
    assert triton.load("pets", directory / "repository" / "model", digest) is None
    by_triton = questions.answers(triton.http.removeprefix("http://"), triton.grpc, "pets")
    done = ray.run("-m", "tests.real.serving.questions", "127.0.0.1:8000", "127.0.0.1:8001", "pets")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(by_triton))
    bad = questions.NUM_BAD_IMAGES
    wait_until(
        lambda: samples(triton.metrics())[BAD] == samples(ray.metrics(8002))[BAD] == bad, "both count", PATIENCE_S
    )
    wait_until(lambda: counted(ray.metrics(8002)) == counted(triton.metrics()), "both count predictions", PATIENCE_S)
    triton.unload("pets")


BAD = "lepton_bad_inputs_total"


def samples(text: str) -> dict[str, float]:
    """Metrics, by name and labels but for the model and its version; those of other models left out."""
    found = re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE)
    return {
        name + re.sub(r'(model|version)="\w*",?', "", labels).rstrip(","): float(one)
        for name, labels, one in found
        if 'model="pets"' in labels or "model=" not in labels
    }


def counted(text: str) -> dict[str, float]:
    """What the model's own code counted."""
    return {name: one for name, one in samples(text).items() if name.startswith("lepton_predictions_total")}


def test_dashboards_find_what_they_read(ray: PrivateRay) -> None:
    now = samples(ray.metrics(8002))
    assert now["nv_inference_request_success"] > 20
    assert now["nv_inference_request_failure"] == 0
    assert now["nv_inference_queue_duration_us"] > 0
    assert (
        0
        < now['nv_inference_request_summary_usquantile="0.5"']
        <= now['nv_inference_request_summary_usquantile="0.99"']
    )


def test_the_gate_can_tell_what_it_spends_and_which_files_it_verified(
    ray: PrivateRay, artifact: tuple[Path, str]
) -> None:
    before = samples(ray.metrics(8003))["lepton_server_cpu_seconds_total"]
    wait_until(lambda: samples(ray.metrics(8003))["lepton_server_cpu_seconds_total"] > before > 0, "it counts", 30)
    assert f'digest="{artifact[1]}",model="pets",variant="served"' in ray.metrics(8003)


def test_serving_leaves_the_sealed_folder_as_it_was(ray: PrivateRay, artifact: tuple[Path, str]) -> None:
    copy = Home(ray.folder).cache / artifact[1].removeprefix("sha256:")
    assert verify(copy) == artifact[1]


def test_ray_that_is_killed_ends_the_node_and_says_so(ray: PrivateRay) -> None:
    """The last one: nothing answers afterwards."""
    (raylet,) = (one for one in ray.processes() if one.name() == "raylet")
    raylet.kill()
    wait_until(lambda: ray.ended() == 1, "the node has ended", 60)
    assert "Ray ended with exit code" in (ray.folder / "words").read_text()

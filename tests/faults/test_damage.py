"""Damage to what is served is noticed, told and healed; what was never whole is never served."""

import shutil
from pathlib import Path

import psutil
import pytest

from tests.faults.world import SECONDS, SERVES, World
from tests.installation import wait_until

pytestmark = pytest.mark.usefixtures("serves_on")


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_flipped_byte_in_a_served_file_is_healed_from_the_artifact_when_the_server_dies(world: World) -> None:
    before, model = world.answer(), world.cached / "1" / "model.onnx"
    flip(model)
    assert world.answer() == before
    psutil.Process(world.pid("triton")).kill()
    wait_until(lambda: world.answers(before), "it answers again", SECONDS)
    world.wait("good", SERVES)
    assert (world.cached / "1" / "model.onnx").read_bytes() == (
        world.artifact / "repository/model/1/model.onnx"
    ).read_bytes()


def test_a_half_written_artifact_is_never_served_and_the_words_name_it(world: World, tmp_path: Path) -> None:
    artifact, copy = world.artifact, tmp_path / "copy"
    before = world.answer()
    shutil.copytree(artifact, copy)
    (artifact / "baseline" / "model" / "1" / "model.onnx").unlink()
    flip(world.cached / "1" / "model.onnx")
    psutil.Process(world.pid("triton")).kill()
    corrupt = ("False", "ArtifactCorrupt")
    assert world.wait("good", {**SERVES, "Serving": corrupt, "Ready": corrupt}) == (
        f"Serving: artifact {artifact}: baseline/model/1/model.onnx is missing; restore it from a backup, "
        "or delete the model and apply it again; the switch is tried again by itself"
    )
    shutil.rmtree(artifact)
    copy.rename(artifact)
    wait_until(lambda: world.answers(before), "it answers again", SECONDS)
    world.wait("good", SERVES)


def test_a_killed_stub_of_the_server_is_noticed_and_the_model_answers_again(world: World) -> None:
    before = world.answer()
    stubs = list(world.installation.processes("triton_python_backend_stub", "/good/"))
    assert stubs
    for stub in stubs:
        stub.kill()
    wait_until(lambda: world.answers(before), "it answers again", SECONDS)

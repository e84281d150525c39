"""Whatever goes wrong ends as a condition with a reason and a sentence that says what to do, and what served serves on.

One installation for all. First one model is built, `good`, which must answer after each trouble as it did before.
"""

import json
import shutil
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from PIL import Image

from tests.faults.smalldisk import full_disk, limited_job, may_mount
from tests.installation import Installation, free_ports, wait_until

SECONDS = 120
"""Longer than anything here takes on a machine that has much else to do."""
NETWORKS = "tests.faults.networks"
DONE, WAITS, WORKS = ("True", "Succeeded"), ("Unknown", "Pending"), ("Unknown", "InProgress")
SERVES = dict.fromkeys(("DataReady", "Trained", "Compressed", "GatePassed", "Serving", "Ready"), DONE)

Conditions = Mapping[str, tuple[str, str]]
"""Status and reason of each condition."""


def fails(at: str, reason: str) -> Conditions:
    """The conditions of a model whose first revision fails there."""
    order = list(SERVES)
    place = order.index(at)
    known = {kind: DONE if order.index(kind) < place else WAITS for kind in order}
    return {**known, at: ("False", reason), "Ready": ("False", reason)}


@dataclass(frozen=True)
class Trouble:
    """A spec that can't be done, and what must be said of it."""

    conditions: Conditions
    sentence: str
    """What Ready says; `{data}` is the folder of data sets."""
    data: str = "sklearn://digits"
    network: Mapping[str, Any] = field(default_factory=lambda: {"architecture": "lenet"})
    train: Mapping[str, Any] = field(default_factory=dict)


TROUBLES = {
    "a data URL that does not exist": Trouble(
        fails("DataReady", "DataNotFound"),
        "DataReady: data.uri: nothing lies at {data}/oen: did you mean {data}/one?",
        data="{data}/oen",
    ),
    "a folder with one class": Trouble(
        fails("DataReady", "TooFewClasses"),
        "DataReady: data.uri: {data}/one holds only the class cats: "
        "give at least two classes, each in a folder of its own",
        data="{data}/one",
    ),
    "more images that are none than allowed": Trouble(
        fails("DataReady", "TooManyCorrupt"),
        "DataReady: data.uri: at least 3 of 63 images can't be read, more than data.maxCorruptShare 0.01 allows: "
        "mend or remove them, or allow more (cats/none-0.png: not a JPEG, PNG, BMP, WebP or GIF image; "
        "cats/none-1.png: not a JPEG, PNG, BMP, WebP or GIF image; "
        "cats/none-2.png: not a JPEG, PNG, BMP, WebP or GIF image)",
        data="{data}/spoilt",
    ),
    "a loss that is not finite": Trouble(
        fails("Trained", "LossNotFinite"),
        "Trained: train: the loss became nan in epoch 1 of 2: "
        "lower train.optimizer.learningRate (now 100) or look for broken values in the data",
        train={"optimizer": {"name": "sgd", "learningRate": 100}},
    ),
    "a module that raises": Trouble(
        fails("Trained", "ModelInvalid"),
        f"Trained: model.module: {NETWORKS}:raises failed with RuntimeError: there is a mistake",
        network={"module": f"{NETWORKS}:raises"},
    ),
    "a module that tries to leave": Trouble(
        fails("Trained", "ModelInvalid"),
        f"Trained: model.module: {NETWORKS}:leaves failed with SystemExit: this module tries to leave",
        network={"module": f"{NETWORKS}:leaves"},
    ),
}


def spec(name: str, trouble: Trouble, folder: Path, **sections: Any) -> str:
    """The file that asks for it."""
    content: dict[str, Any] = {
        "task": "image-classification",
        "data": {"uri": trouble.data.format(data=folder)},
        "model": dict(trouble.network),
        "train": {"epochs": 2, "precision": "float32", **trouble.train},
        "compress": {"steps": [{"quantize": {}}]},
        "gate": {"maxAccuracyDrop": 50},
        **sections,
    }
    head = {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "spec": content})


GOOD = Trouble(SERVES, "revision 1 answers")


@dataclass(frozen=True)
class World:
    """The installation with its one good model, and data sets that are trouble."""

    installation: Installation
    data: Path

    def apply(self, name: str, trouble: Trouble = GOOD, **sections: Any) -> None:
        self.installation.lepton("apply", "-f", "-", stdin=spec(name, trouble, self.data, **sections))

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.installation.get(name)["status"]
        return status

    def conditions(self, name: str) -> Conditions:
        return conditions(self.status(name))

    def wait(self, name: str, wanted: Conditions) -> str:
        """Until all its conditions are these. Returns what Ready says; the error shows which they were."""
        seen: list[dict[str, Any]] = []

        def holds() -> bool:
            seen[:] = [self.status(name)]
            return conditions(seen[0]) == wanted

        with suppress(AssertionError):
            wait_until(holds, name, SECONDS, every=0.3)
        said = "".join(one["message"] for one in seen[0]["conditions"] if one["type"] == "Ready")
        assert conditions(seen[0]) == wanted, said
        return said

    def answer(self) -> list[float]:
        """What the good model says to a picture; AssertionError when it does not answer."""
        return ask(self.installation, {"inputs": [tensor("image", [1, 8, 8, 1], "UINT8", list(range(64)))]})

    def answers(self, before: list[float]) -> bool:
        try:
            return self.answer() == before
        except (urllib.error.URLError, ConnectionError):
            return False

    def pid(self, server: str) -> int:
        return int(json.loads((self.installation.home / "run" / f"{server}.json").read_text())["pid"])

    @property
    def cached(self) -> Path:
        """The copy from which the good model is served."""
        return (self.installation.home / "serving" / "models" / "good").resolve()

    @property
    def artifact(self) -> Path:
        (record,) = self.status("good")["revisions"][-1:]
        return Path(record["artifact"])


def conditions(status: dict[str, Any]) -> Conditions:
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def tensor(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def ask(installation: Installation, body: Any) -> list[float]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"http://127.0.0.1:{installation.ports[0]}/v2/models/good/infer"
    with urllib.request.urlopen(urllib.request.Request(url, content), timeout=20) as response:
        outputs = json.loads(response.read())["outputs"]
    return next(list(output["data"]) for output in outputs if output["name"] == "probabilities")


def draw(folder: Path, images: int, spoilt: int) -> None:
    """A class of images, each different, and some that are none."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(len(folder.name))
    for number in range(images):
        pixels = chance.integers(0, 90, (8, 8), np.uint8)
        pixels[:, len(folder.name) : len(folder.name) + 2] = 255
        Image.fromarray(pixels).save(folder / f"{number}.png")
    for number in range(spoilt):
        (folder / f"none-{number}.png").write_text("no image at all")


@pytest.fixture(scope="module")
def world(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> World:
    data = tmp_path_factory.mktemp("data")
    draw(data / "one" / "cats", 20, 0)
    draw(data / "spoilt" / "cats", 30, 3)
    draw(data / "spoilt" / "dog", 30, 0)
    made = World(installation, data)
    made.apply("good")
    made.wait("good", SERVES)
    return made


@pytest.fixture(autouse=True)
def _what_served_before_still_serves(world: World) -> Iterator[None]:
    before = world.answer()
    yield
    wait_until(lambda: world.answers(before), "the good model answers as before", SECONDS)


@pytest.fixture(scope="module")
def names(world: World) -> dict[str, str]:
    """All troubles under way at once; the name of the model of each."""
    names = {sentence: sentence.lower().replace(" ", "-")[:40].strip("-") for sentence in TROUBLES}
    for sentence, name in names.items():
        world.apply(name, TROUBLES[sentence], data=_data(TROUBLES[sentence], world.data))
    return names


def _data(trouble: Trouble, folder: Path) -> dict[str, Any]:
    return {"uri": trouble.data.format(data=folder), "maxCorruptShare": 0.01}


@pytest.mark.parametrize("sentence", TROUBLES)
def test_a_spec_that_cannot_be_done_is_told_with_a_reason_and_what_to_do(
    world: World, names: dict[str, str], sentence: str
) -> None:
    trouble = TROUBLES[sentence]
    assert world.wait(names[sentence], trouble.conditions) == trouble.sentence.format(data=world.data)
    world.installation.lepton("delete", names[sentence])


def test_what_is_put_in_place_after_a_failure_is_found_when_the_same_file_is_applied_again(world: World) -> None:
    late = Trouble(fails("DataReady", "DataNotFound"), "", data="{data}/late")
    world.apply("late", late)
    world.wait("late", late.conditions)
    draw(world.data / "late" / "cats", 30, 0)
    draw(world.data / "late" / "dog", 30, 0)
    world.apply("late", late)
    world.wait("late", SERVES)
    world.installation.lepton("delete", "late")


def test_a_few_images_that_are_none_and_a_module_that_talks_do_no_harm(world: World) -> None:
    trouble = Trouble(SERVES, "", network={"module": f"{NETWORKS}:linear"})
    world.apply("talks", trouble, data={"uri": f"{world.data}/spoilt", "maxCorruptShare": 0.1})
    world.wait("talks", SERVES)
    report = json.loads(world.installation.lepton("report", "talks", "-o", "json"))
    assert report["report"]["data"]["corrupt"] == 3
    world.installation.lepton("delete", "talks")


def test_a_budget_that_cannot_be_met_leaves_the_revision_before(world: World) -> None:
    world.apply("good", train={"epochs": 1, "precision": "float32"}, gate={"minAccuracy": 99.99})
    failed = ("False", "BudgetNotMet")
    said = world.wait("good", {**SERVES, "GatePassed": failed, "Ready": failed})
    assert said.startswith("GatePassed: accuracy is ")
    assert said.endswith(
        ", at least 99.99 % asked: lower gate.minAccuracy, train longer, give more examples, or compress less; "
        "users still get answers meanwhile"
    )
    world.apply("good")
    world.wait("good", SERVES)


PLACES = {"jobs": "DataReady", "work": "DataReady", "artifacts": "Compressed"}
"""Where the disk may be full, and the condition that says so."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames:
        folder = Path(tempfile.mkdtemp())
        metafunc.parametrize("place", PLACES if may_mount(folder) else ("limit",))
        folder.rmdir()


def test_a_full_disk_is_told_and_the_work_goes_on_by_itself_once_there_is_room(world: World, place: str) -> None:
    name = f"full-{place}"
    with no_room(world, place, name):
        world.apply(name)
        said = world.wait(name, fails(PLACES.get(place, "DataReady"), "DiskFull"))
        assert "no space left to write" in said
        assert "free some space; the work then goes on by itself" in said
    at = PLACES.get(place, "DataReady")
    wait_until(lambda: world.conditions(name)[at] == DONE, f"{at} once there is room", SECONDS, every=0.3)
    world.installation.lepton("delete", name)


def no_room(world: World, place: str, name: str) -> AbstractContextManager[None]:
    if place == "limit":
        return limited_job(world.installation, f"/jobs/{name}-build-")
    return full_disk(world.installation.home / place / (build_of(world, name) if place == "jobs" else name))


def build_of(world: World, name: str) -> str:
    """The name of the build of the good spec under another name: the hash is the same."""
    good = world.status("good")["revisions"][-1]["name"]
    return f"{name}{str(good).removeprefix('good')}"


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
    assert world.conditions("good") == SERVES
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
    for stub in world.installation.processes("triton_python_backend_stub", "/good/"):
        stub.kill()
    wait_until(lambda: world.answers(before), "it answers again", SECONDS)


@pytest.mark.parametrize("option", ["--http-port", "--grpc-port", "--triton-metrics-port", "--metrics-port"])
def test_a_busy_port_is_refused_and_nothing_is_stopped(world: World, option: str) -> None:
    before = [world.pid(server) for server in ("loop", "ray", "triton")]
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        done = world.installation.ask("up", option, str(port))
    assert (done.returncode, done.stderr) == (
        1,
        f"error: port {port} can't be listened on (Address already in use): stop the program that uses it, "
        f"or choose another with `lepton up {option} PORT`\n",
    )
    world.installation.lepton("up")
    assert [world.pid(server) for server in ("loop", "ray", "triton")] == before


def test_one_port_for_two_things_is_refused(world: World) -> None:
    done = world.installation.ask("up", "--grpc-port", str(world.installation.ports[0]))
    assert (done.returncode, done.stderr) == (
        1,
        f"error: --http-port and --grpc-port are both {world.installation.ports[0]}: "
        "choose another port for one of them\n",
    )


BAD_BODIES = {
    "no JSON": b"garbage",
    "no inputs": {},
    "fewer numbers than the shape says": {"inputs": [tensor("image", [1, 8, 8, 1], "UINT8", [1, 2, 3])]},
    "another shape": {"inputs": [tensor("image", [1, 9, 9, 1], "UINT8", [1] * 81)]},
    "another type": {"inputs": [tensor("image", [1, 8, 8, 1], "FP32", [1] * 64)]},
    "both inputs": {
        "inputs": [
            tensor("image", [1, 8, 8, 1], "UINT8", [1] * 64),
            tensor("image_bytes", [1, 1], "BYTES", ["x"]),
        ]
    },
    "bytes that are no image": {"inputs": [tensor("image_bytes", [1, 1], "BYTES", ["x"])]},
    "an unknown input": {"inputs": [tensor("picture", [1, 1], "BYTES", ["x"])]},
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_malformed_request_is_refused_in_words(world: World, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        ask(world.installation, body)
    assert (error.value.code, list(json.loads(error.value.read()))) in ((400, ["error"]), (500, ["error"]))


def test_a_huge_request_of_nothing_is_refused(world: World) -> None:
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(world.installation, bytes(2**25))


HOMES = {
    "a folder that can't be made": ("{file}/home", "error: can't write {file}/home (Not a directory): "),
    "a store that is none": ("{garbage}", "error: can't use {garbage}/lepton.db (file is not a database): "),
}


@pytest.mark.parametrize("command", [("get",), ("up",), ("apply", "-f", "-")], ids=" ".join)
@pytest.mark.parametrize("kind", HOMES)
def test_an_unusable_home_is_told(world: World, tmp_path: Path, kind: str, command: tuple[str, ...]) -> None:
    file, garbage = tmp_path / "file", tmp_path / "garbage"
    file.write_text("")
    garbage.mkdir()
    (garbage / "lepton.db").write_bytes(b"this is no database" * 1000)
    home, sentence = (one.format(file=file, garbage=garbage) for one in HOMES[kind])
    done = Installation(Path(home), world.installation.ports).ask(*command, stdin=spec("any", GOOD, world.data))
    assert (done.returncode, done.stderr[: len(sentence)]) == (1, sentence)


def sleeping(world: World, name: str) -> psutil.Process:
    """Apply a model whose training does not end. Returns its worker, once it trains."""
    world.apply(name, Trouble(SERVES, "", network={"module": f"{NETWORKS}:sleeps"}))
    wait_until(lambda: world.conditions(name).get("DataReady") == DONE, f"{name} trains", SECONDS)
    (worker,) = world.installation.processes("services.worker", f"/jobs/{name}-build-")
    return worker


def left_of(world: World, name: str) -> list[Path]:
    home = world.installation.home
    return [path for place in ("jobs", "work", "artifacts") for path in (home / place).glob(f"{name}*")]


def test_what_is_deleted_while_it_trains_leaves_nothing(world: World) -> None:
    worker = sleeping(world, "gone")
    world.installation.lepton("delete", "gone")
    assert (worker.is_running(), left_of(world, "gone")) == (False, [])


def outcomes(world: World, name: str) -> list[str]:
    return [one["outcome"] for one in world.status(name)["revisions"]]


def test_an_edit_while_it_trains_supersedes_and_an_edit_back_begins_again(world: World) -> None:
    raises = Trouble(SERVES, "", network={"module": f"{NETWORKS}:raises"})
    worker = sleeping(world, "edited")
    world.apply("edited", raises)
    world.wait("edited", fails("Trained", "ModelInvalid"))
    assert not worker.is_running()
    assert outcomes(world, "edited") == ["Failed", "Superseded"]
    world.apply("edited", Trouble(SERVES, "", network={"module": f"{NETWORKS}:sleeps"}))
    building = ["Failed", "Building"]
    wait_until(lambda: outcomes(world, "edited") == building, "it is built again", SECONDS, every=0.3)
    world.installation.lepton("delete", "edited")


def test_suspending_starts_nothing_and_pinning_an_older_revision_ends_a_build(world: World) -> None:
    world.apply("good", Trouble(SERVES, "", network={"module": f"{NETWORKS}:sleeps"}), suspend=True)
    wait_until(lambda: world.status("good")["phase"] == "Suspended", "it is suspended", SECONDS)
    assert not list(world.installation.processes("services.worker", "/jobs/good-build-"))
    worker = sleeping(world, "good")
    world.apply("good", Trouble(SERVES, "", network={"module": f"{NETWORKS}:sleeps"}), revision=1)
    world.wait("good", SERVES)
    wait_until(lambda: not worker.is_running(), "the end of the build", SECONDS)
    world.apply("good")
    world.wait("good", SERVES)


def test_after_the_death_of_all_processes_at_once_two_ups_bring_everything_back(world: World) -> None:
    before = world.answer()
    sleeping(world, "survivor")
    for process in list(world.installation.processes()):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    world.apply("downtime")
    assert (
        "Lepton is not running"
        in world.installation.ask("get").stderr + world.installation.ask("describe", "good").stderr
    )
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: world.installation.ask("up"), range(2)))
    assert [one.returncode for one in done] == [0, 0], done
    assert world.answers(before)
    wait_until(
        lambda: len(list(world.installation.processes("services.worker", "/jobs/survivor-build-"))) == 1,
        "the build goes on",
        SECONDS,
    )
    world.installation.lepton("delete", "survivor")
    wait_until(lambda: world.conditions("downtime")["DataReady"] == DONE, "what was applied meanwhile", SECONDS)
    world.installation.lepton("delete", "downtime")


def test_no_log_of_the_loop_holds_a_traceback(world: World) -> None:
    assert "Traceback" not in (world.installation.home / "logs" / "loop.log").read_text()

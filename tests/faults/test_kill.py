"""Whatever is killed, and whenever: the models end up serving, the same bytes, and nothing is trained twice.

Undisturbed builds are the reference. Each further round builds the same specs under other names, one that trains in
the job's own process and one on two training workers, while processes of each kind are killed. When that happens is
drawn as how far the work is by then, not as a time: it hits the same stages on slow machines and fast ones.
"""

import random
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from lepton.backends.local.processes import end
from tests.installation import Installation, wait_until

EPOCHS = 40
KILLS = 3
"""How often each process is killed in one round, at most."""
RUN_SECONDS = 600
STAGES = ("data", "train", "compress", "gate")

pytestmark = pytest.mark.timeout(4 * RUN_SECONDS)


@dataclass(frozen=True)
class Victim:
    """A process to kill."""

    words: tuple[str, ...]
    """What its command line holds; `{name}` is the model's."""
    model: str = "alone"
    """The model whose progress is looked at."""
    stages: tuple[str, ...] = STAGES
    """Those within which it is killed."""


VICTIMS = {
    "control loop": Victim(("lepton.backends.local.loop",)),
    "driver": Victim(("services.worker", "/jobs/{name}-build-"), stages=STAGES[:3]),
    "training worker": Victim(("RayTrainWorker",), "together", ("train",)),
    "tritonserver": Victim(("tritonserver", "--model-repository")),
}
WORKERS = {"alone": 1, "together": 2}
STEPS = {"alone": [{"prune": {"ratio": 0.3, "epochs": 1}}, {"quantize": {}}], "together": []}


def spec(name: str, kind: str) -> str:
    """Digits, small and with a fixed precision, so that equal seeds give equal bytes."""
    workers = WORKERS[kind]
    resources = {"cpu": 1 / workers}
    return yaml.safe_dump(
        {
            "apiVersion": "leptonml.dev/v1alpha1",
            "kind": "LeptonModel",
            "metadata": {"name": name},
            "spec": {
                "task": "image-classification",
                "data": {"uri": "sklearn://digits"},
                "model": {"architecture": "lenet"},
                "train": {"epochs": EPOCHS, "precision": "float32", "workers": workers, "resources": resources},
                "compress": {"steps": STEPS[kind]},
                "gate": {"maxAccuracyDrop": 20},
            },
        }
    )


@dataclass(frozen=True)
class Outcome:
    """What must not depend on what was killed."""

    phase: str
    revisions: tuple[str, ...]
    """Their outcomes."""
    weights: str
    """sha256 of the uncompressed network, which never depends on a measurement."""


def outcome(installation: Installation, name: str) -> Outcome:
    status = installation.get(name)["status"]
    artifact = Path(status["revisions"][0]["artifact"].removeprefix("file://"))
    weights = sha256((artifact / "baseline/model/1/model.onnx").read_bytes()).hexdigest()
    return Outcome(status["phase"], tuple(one["outcome"] for one in status["revisions"]), weights)


def times_trained(installation: Installation, name: str) -> Counter[int]:
    """How often each epoch of the first training was finished, as its training curves have it."""
    (curves,) = (installation.home / "work" / name).glob("train-*/tensorboard")
    events = (event for file in curves.iterdir() for event in EventFileLoader(str(file)).Load())
    return Counter(event.step for event in events if any(value.tag == "loss" for value in event.summary.value))


@dataclass(frozen=True)
class Point:
    """How far the jobs of a model are: within which stage, and how often that has spoken."""

    stage: str
    place: int


def reached(point: Point, said: str) -> bool:
    """Whether the logs of the model's jobs show it. Epochs count by their numbers: not each of them is in the log."""
    if point.stage == "train":
        epochs = re.findall(r"(?m)^train: epoch (\d+) of", said)
        return max(map(int, epochs), default=0) >= point.place
    return len(re.findall(rf"(?m)^{point.stage}: ", said)) >= point.place


def draw(victim: Victim, kills: int, chance: random.Random) -> list[Point]:
    """Different points within its stages, in their order, and none in the last moments of a stage."""
    lasts = {"data": 2, "train": EPOCHS // 2, "compress": 3, "gate": 3}
    points: set[Point] = set()
    while len(points) < kills:
        stage = chance.choice(victim.stages)
        points.add(Point(stage, chance.randint(1, lasts[stage])))
    return sorted(points, key=lambda point: (STAGES.index(point.stage), point.place))


def logs(installation: Installation, name: str) -> str:
    """What the model's jobs have said."""
    paths = sorted((installation.home / "jobs").glob(f"{name}-*/log.txt"))
    return "".join(path.read_text(errors="replace") for path in paths)


def build(installation: Installation, names: dict[str, str]) -> None:
    """Build both and wait until both serve."""
    for kind, name in names.items():
        installation.lepton("apply", "-f", "-", stdin=spec(name, kind))
    wait_until(lambda: serve(installation, names), "both serve", RUN_SECONDS, every=0.2)


def serve(installation: Installation, names: dict[str, str]) -> bool:
    return all(installation.get(name)["status"]["phase"] == "Serving" for name in names.values())


@dataclass(frozen=True)
class Reference:
    """Builds that nothing disturbed."""

    outcomes: dict[str, Outcome]
    accuracies: dict[str, float]
    """On the held-out set, in percent."""


@pytest.fixture(scope="module")
def reference(installation: Installation) -> Reference:
    names = {kind: f"reference-{kind}" for kind in WORKERS}
    build(installation, names)
    return Reference(
        {kind: outcome(installation, name) for kind, name in names.items()},
        {
            kind: installation.get(name)["status"]["revisions"][0]["metrics"]["accuracyBefore"]
            for kind, name in names.items()
        },
    )


def use_the_machine_alike(installation: Installation, kind: str, name: str) -> None:
    """Threads and memory format are measured anew for each fit; here they are those of the reference."""
    (choice,) = (installation.home / "work" / f"reference-{kind}").glob("train-*/choice.json")
    own = installation.home / "work" / name / choice.parent.name
    own.mkdir(parents=True)
    (own / "choice.json").write_bytes(choice.read_bytes())


def test_two_workers_learn_as_well_as_one(reference: Reference) -> None:
    assert reference.accuracies["together"] == pytest.approx(reference.accuracies["alone"], abs=3)


def kill_when_due(
    installation: Installation, words: Iterable[str], due: Iterable[Point], name: str, over: threading.Event
) -> int:
    """Kill the process at each point. Returns how often it was killed; one that was dying does not count again."""
    killed, dying = 0, set[int]()
    for point in due:
        while not (reached(point, logs(installation, name)) and kill_one(installation, words, dying)):
            if over.wait(0.05):
                return killed
        killed += 1
    return killed


def kill_one(installation: Installation, words: Iterable[str], dying: set[int]) -> bool:
    """Kill one that is not dying already, if there is one, and wait for its end; the others of its kind end with it."""
    there = list(installation.processes(*words))
    victim = next((process for process in there if process.pid not in dying), None)
    if victim is not None:
        end([victim])
        dying |= {process.pid for process in there}
    return victim is not None


def keep_up(installation: Installation, over: threading.Event) -> None:
    """What a person or a service manager does: `lepton up` again whenever the control loop is gone."""
    while not over.wait(0.5):
        if not any(True for _ in installation.processes(*VICTIMS["control loop"].words)):
            with suppress(subprocess.TimeoutExpired):
                installation.ask("up")


def rounds(runs: int) -> list[tuple[int, int]]:
    """The number of each round, and how often each process is killed in it."""
    return [(number, min(KILLS, runs - first)) for number, first in enumerate(range(0, runs, KILLS))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kills" in metafunc.fixturenames:
        metafunc.parametrize(("number", "kills"), rounds(metafunc.config.getoption("--fault-runs")))


def test_the_end_state_is_the_same_and_nothing_is_trained_twice_whoever_is_killed(
    installation: Installation, reference: Reference, fault_seed: int, number: int, kills: int
) -> None:
    names = {kind: f"{kind}-{number}" for kind in WORKERS}
    chance = random.Random(f"{fault_seed}-{number}")  # noqa: S311 - where to strike is no secret
    due = {kind: draw(victim, kills, chance) for kind, victim in VICTIMS.items()}
    over, killed = threading.Event(), dict[str, int]()
    for kind, name in names.items():
        use_the_machine_alike(installation, kind, name)

    def strike(kind: str) -> None:
        name = names[VICTIMS[kind].model]
        words = [word.format(name=name) for word in VICTIMS[kind].words]
        killed[kind] = kill_when_due(installation, words, due[kind], name, over)

    threads = [threading.Thread(target=strike, args=(kind,)) for kind in VICTIMS]
    threads.append(threading.Thread(target=keep_up, args=(installation, over)))
    for thread in threads:
        thread.start()
    try:
        build(installation, names)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    installation.up()
    again = "who was struck late, after both were built, serves again"
    wait_until(lambda: serve(installation, names), again, RUN_SECONDS, every=0.2)
    assert killed == dict.fromkeys(VICTIMS, kills), due
    assert {kind: outcome(installation, name) for kind, name in names.items()} == reference.outcomes
    for name in names.values():
        assert times_trained(installation, name) == Counter(range(1, EPOCHS + 1))
    installation.lepton("delete", *names.values())

"""Whatever is killed, and whenever: the models end up serving, the same bytes, and nothing is trained twice.

Undisturbed builds are the reference. Each further round builds the same specs under other names, one that trains in
the job's own process and one on two training workers, while processes of each kind are killed. When that happens is
drawn as a number of lines that the jobs have said by then: it hits every stage alike, on slow machines and fast ones.
"""

import random
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
import yaml
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tests.installation import Installation, wait_until

EPOCHS = 30
KILLS = 3
"""How often each process is killed in one round, at most."""
RUN_SECONDS = 300
STAGES = ("data", "train", "compress", "gate")


@dataclass(frozen=True)
class Victim:
    """A process to kill."""

    words: tuple[str, ...]
    """What its command line holds; `{name}` is the model's."""
    model: str = "alone"
    """The model whose lines are counted."""
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


def lines(installation: Installation, name: str) -> list[str]:
    """What the model's jobs have said about their stages, a line each."""
    logs = sorted((installation.home / "jobs").glob(f"{name}-*/log.txt"))
    said = "".join(log.read_text(errors="replace") for log in logs)
    return re.findall(rf"(?m)^(?:{'|'.join(STAGES)}): .*$", said)


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
    lines: dict[str, list[str]]
    accuracies: dict[str, float]
    """On the held-out set, in percent."""

    def point(self, victim: Victim, chance: random.Random) -> int:
        """After how many lines to kill it: any of its stages, and any but the last lines, which are over at once."""
        stage = chance.choice(victim.stages)
        within = [place for place, line in enumerate(self.lines[victim.model], 1) if line.startswith(f"{stage}: ")]
        return chance.choice(within[: len(within) * 3 // 4])


@pytest.fixture(scope="module")
def reference(installation: Installation) -> Reference:
    names = {kind: f"reference-{kind}" for kind in WORKERS}
    build(installation, names)
    return Reference(
        {kind: outcome(installation, name) for kind, name in names.items()},
        {kind: lines(installation, name) for kind, name in names.items()},
        {
            kind: installation.get(name)["status"]["revisions"][0]["metrics"]["accuracyBefore"]
            for kind, name in names.items()
        },
    )


def test_two_workers_learn_as_well_as_one(reference: Reference) -> None:
    assert reference.accuracies["together"] == pytest.approx(reference.accuracies["alone"], abs=3)


def kill_when_due(installation: Installation, words: Iterable[str], due: Iterator[int], said: Iterable[int]) -> int:
    """Kill the process each time that as many lines were said as the next of `due`. Returns how often it was killed."""
    killed, point = 0, next(due, None)
    for count in said:
        if point is None:
            break
        if count >= point and kill_one(installation, words):
            killed, point = killed + 1, next(due, None)
    return killed


def kill_one(installation: Installation, words: Iterable[str]) -> bool:
    for process in installation.processes(*words):
        with suppress(psutil.NoSuchProcess):
            process.kill()
            return True
    return False


def keep_up(installation: Installation, over: threading.Event) -> None:
    """What a person or a service manager does: `lepton up` again whenever the control loop is gone."""
    while not over.wait(0.5):
        if not any(True for _ in installation.processes(*VICTIMS["control loop"].words)):
            installation.ask("up")


def rounds(runs: int) -> list[tuple[int, int]]:
    """The number of each round, and how often each process is killed in it."""
    return [(number, min(KILLS, runs - first)) for number, first in enumerate(range(0, runs, KILLS))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kills" in metafunc.fixturenames:
        metafunc.parametrize(("number", "kills"), rounds(metafunc.config.getoption("--fault-runs")))


@pytest.mark.timeout(2 * RUN_SECONDS)
def test_the_end_state_is_the_same_and_nothing_is_trained_twice_whoever_is_killed(
    installation: Installation, reference: Reference, fault_seed: int, number: int, kills: int
) -> None:
    names = {kind: f"{kind}-{number}" for kind in WORKERS}
    chance = random.Random(f"{fault_seed}-{number}")  # noqa: S311 - where to strike is no secret
    due = {kind: sorted(reference.point(one, chance) for _ in range(kills)) for kind, one in VICTIMS.items()}
    over, killed = threading.Event(), dict[str, int]()

    def said(name: str) -> Iterator[int]:
        while not over.wait(0.05):
            yield len(lines(installation, name))

    def strike(kind: str) -> None:
        name = names[VICTIMS[kind].model]
        words = [word.format(name=name) for word in VICTIMS[kind].words]
        killed[kind] = kill_when_due(installation, words, iter(due[kind]), said(name))

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
        assert set(times_trained(installation, name).values()) == {1}
    installation.lepton("delete", *names.values())

"""Whatever is killed, and whenever: the model ends up serving, the same bytes, and nothing is trained twice.

One undisturbed build is the reference. Each further run builds the same spec under another name while one process
of each kind is killed with SIGKILL at a random point of its life.
"""

import random
import re
import threading
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from tests.installation import Installation, wait_until

EPOCHS = 8
RUN_SECONDS = 300


@dataclass(frozen=True)
class Victim:
    """A process to kill, and the number of training workers while it is killed."""

    words: tuple[str, ...]
    """What its command line holds."""
    workers: int = 1


VICTIMS = {
    "control loop": Victim(("lepton.backends.local.loop",)),
    "driver": Victim(("services.worker", "{name}-build-")),
    "training worker": Victim(("ray::", "RayTrainWorker"), workers=2),
    "tritonserver": Victim(("tritonserver", "--model-repository")),
}


def spec(name: str, workers: int) -> str:
    """Digits, small and with a fixed precision, so that equal seeds give equal bytes."""
    return yaml.safe_dump(
        {
            "apiVersion": "leptonml.dev/v1alpha1",
            "kind": "LeptonModel",
            "metadata": {"name": name},
            "spec": {
                "task": "image-classification",
                "data": {"uri": "sklearn://digits"},
                "model": {"architecture": "cnn"},
                "train": {"epochs": EPOCHS, "precision": "float32", "workers": workers},
                "compress": {"steps": [{"prune": {"ratio": 0.5, "epochs": 3}}, {"quantize": {}}]},
                "gate": {"maxAccuracyDrop": 10},
            },
        }
    )


@dataclass(frozen=True)
class Outcome:
    """What must not depend on what was killed."""

    phase: str
    revisions: int
    weights: str
    """sha256 of the uncompressed network, which never depends on a measurement."""


def outcome(installation: Installation, name: str) -> Outcome:
    status = installation.get(name)["status"]
    artifact = Path(status["revisions"][0]["artifact"].removeprefix("file://"))
    weights = sha256((artifact / "baseline/model/1/model.onnx").read_bytes()).hexdigest()
    return Outcome(phase=status["phase"], revisions=len(status["revisions"]), weights=weights)


def epochs_trained(installation: Installation, name: str) -> Counter[int]:
    """How often each epoch of the first training was begun, over all attempts."""
    logs = (path.read_text(errors="replace") for path in (installation.home / "jobs").glob(f"{name}-build-*/log.txt"))
    return Counter(
        int(number) for log in logs for number in re.findall(rf"train: epoch (\d+) of {EPOCHS}, accuracy", log)
    )


def build(installation: Installation, name: str, workers: int) -> None:
    installation.lepton("apply", "-f", "-", stdin=spec(name, workers))
    wait_until(lambda: installation.get(name)["status"]["phase"] == "Serving", f"{name} serves", RUN_SECONDS, every=1.0)


@pytest.fixture(scope="module")
def references(installation: Installation) -> dict[int, Outcome]:
    """The outcome of undisturbed builds with one worker and with two."""
    for workers in (1, 2):
        build(installation, f"reference-{workers}", workers)
    return {workers: outcome(installation, f"reference-{workers}") for workers in (1, 2)}


def kill_at_a_random_point(
    installation: Installation, words: tuple[str, ...], delay: float, over: threading.Event
) -> bool:
    """Wait for the process to appear, give it `delay` seconds of life, kill it. False when the run was over before."""
    while not over.is_set():
        victims = list(installation.processes(*words))
        if victims:
            over.wait(delay)
            for victim in installation.processes(*words):
                victim.kill()
                return True
        over.wait(0.05)
    return False


def keep_up(installation: Installation, over: threading.Event) -> None:
    """What a person or a service manager does: `lepton up` again whenever the control loop is gone."""
    while not over.wait(0.5):
        if not any(installation.processes(*VICTIMS["control loop"].words)):
            installation.up()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.getoption("--fault-runs")))


@pytest.mark.timeout(3 * RUN_SECONDS)
@pytest.mark.parametrize("kind", VICTIMS)
def test_the_end_state_is_the_same_and_nothing_is_trained_twice_whoever_is_killed(
    installation: Installation, references: dict[int, Outcome], fault_seed: int, kind: str, run: int
) -> None:
    name, victim = f"{kind.replace(' ', '-')}-{run}", VICTIMS[kind]
    delay = random.Random(f"{fault_seed}-{name}").uniform(0, 6)  # noqa: S311 - where to strike is no secret
    over = threading.Event()
    words = tuple(word.format(name=name) for word in victim.words)
    threads = [
        threading.Thread(target=kill_at_a_random_point, args=(installation, words, delay, over)),
        threading.Thread(target=keep_up, args=(installation, over)),
    ]
    for thread in threads:
        thread.start()
    try:
        build(installation, name, victim.workers)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert outcome(installation, name) == references[victim.workers]
    trained = epochs_trained(installation, name)
    assert set(trained) == set(range(1, EPOCHS + 1))
    assert sum(trained.values()) <= EPOCHS + 1, f"only the epoch in which it was killed may be begun twice: {trained}"

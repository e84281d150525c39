"""Whatever is killed, and whenever: the model ends up serving, the same bytes, and nothing is trained twice.

One undisturbed build is the reference. Each further run builds the same spec under another name while one process
of each kind is killed with SIGKILL at a random point of its life.
"""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from tests.installation import Installation, wait_until

EPOCHS = 8
RUN_SECONDS = 150

VICTIMS = {
    "control loop": ("lepton.backends.local.loop",),
    "driver": ("services.worker", "{name}-build-"),
    "training worker": ("ray::", "TrainWorker"),
    "tritonserver": ("tritonserver", "--model-repository"),
}


def spec(name: str) -> str:
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
                "train": {"epochs": EPOCHS, "precision": "float32"},
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
    return Counter(int(number) for log in logs for number in re.findall(rf"train: epoch (\d+) of {EPOCHS}, accuracy", log))


def build(installation: Installation, name: str) -> None:
    installation.lepton("apply", "-f", "-", stdin=spec(name))
    wait_until(lambda: installation.get(name)["status"]["phase"] == "Serving", f"{name} serves", RUN_SECONDS)


@pytest.fixture(scope="module")
def reference(installation: Installation) -> Outcome:
    build(installation, "reference")
    return outcome(installation, "reference")


def kill_at_a_random_point(installation: Installation, words: tuple[str, ...], delay: float, over: threading.Event) -> bool:
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
        if not any(installation.processes(*VICTIMS["control loop"])):
            installation.up()


def runs(config: pytest.Config) -> Iterator[int]:
    yield from range(config.getoption("--fault-runs"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.getoption("--fault-runs")))


@pytest.mark.timeout(RUN_SECONDS + 60)
@pytest.mark.parametrize("victim", VICTIMS)
def test_the_end_state_is_the_same_and_nothing_is_trained_twice_whoever_is_killed(
    installation: Installation, reference: Outcome, fault_seed: int, victim: str, run: int
) -> None:
    name = f"{victim.replace(' ', '-')}-{run}"
    delay = random.Random(f"{fault_seed}-{name}").uniform(0, 6)  # noqa: S311 - where to strike is no secret
    print(json.dumps({"victim": victim, "run": run, "seed": fault_seed, "delay": round(delay, 2)}))
    over = threading.Event()
    words = tuple(word.format(name=name) for word in VICTIMS[victim])
    threads = [
        threading.Thread(target=kill_at_a_random_point, args=(installation, words, delay, over)),
        threading.Thread(target=keep_up, args=(installation, over)),
    ]
    for thread in threads:
        thread.start()
    try:
        build(installation, name)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert outcome(installation, name) == reference
    trained = epochs_trained(installation, name)
    assert set(trained) == set(range(1, EPOCHS + 1))
    assert sum(trained.values()) <= EPOCHS + 1, f"only the epoch in which it was killed may be begun twice: {trained}"

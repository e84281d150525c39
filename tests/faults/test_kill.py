"""Whatever is killed, and whenever: the models end up serving, the same bytes, and nothing is trained twice.

Undisturbed builds are the reference. Each further run builds the same specs under other names, one that trains in the
job's own process and one on two training workers, while one process of each kind is killed at a random point.
"""

import random
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
import yaml

from tests.installation import Installation, wait_until

EPOCHS = 20
LATEST_S = 5.0
"""A process is killed after at most so many seconds of its life, or of its part in the run."""
RUN_SECONDS = 300


@dataclass(frozen=True)
class Victim:
    """A process to kill."""

    words: tuple[str, ...]
    """What its command line holds."""
    trains: str | None = None
    """Which build trains in it, if any: `alone` or `together`."""


VICTIMS = {
    "control loop": Victim(("lepton.backends.local.loop",)),
    "driver": Victim(("services.worker", "/jobs/{name}-build-"), trains="alone"),
    "training worker": Victim(("RayTrainWorker",), trains="together"),
    "tritonserver": Victim(("tritonserver", "--model-repository")),
}
WORKERS = {"alone": 1, "together": 2}


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
                "model": {"architecture": "lenet"},
                "train": {
                    "epochs": EPOCHS,
                    "precision": "float32",
                    "workers": workers,
                    "resources": {"cpu": 1 / workers},
                },
                "compress": {"steps": [{"prune": {"ratio": 0.3, "epochs": 1}}, {"quantize": {}}]},
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


def epochs_trained(installation: Installation, name: str) -> Counter[int]:
    """How often each epoch of the first training was finished, over all attempts."""
    logs = (path.read_text(errors="replace") for path in (installation.home / "jobs").glob(f"{name}-build-*/log.txt"))
    found = re.findall(rf"train: epoch (\d+) of {EPOCHS}, accuracy", "".join(logs))
    return Counter(int(number) for number in found)


def build(installation: Installation, names: dict[str, str]) -> None:
    """Build both and wait until both serve."""
    for kind, name in names.items():
        installation.lepton("apply", "-f", "-", stdin=spec(name, WORKERS[kind]))
    for name in names.values():
        wait_until(
            lambda name=name: installation.get(name)["status"]["phase"] == "Serving",
            f"{name} serves",
            RUN_SECONDS,
            every=0.5,
        )


@pytest.fixture(scope="module")
def references(installation: Installation) -> dict[str, Outcome]:
    """The outcomes of undisturbed builds."""
    names = {kind: f"reference-{kind}" for kind in WORKERS}
    build(installation, names)
    return {kind: outcome(installation, name) for kind, name in names.items()}


def kill_at_a_random_point(
    installation: Installation, words: tuple[str, ...], delay: float, built: threading.Event
) -> bool:
    """Kill the process `delay` seconds after it appeared, or what took its place. False: it never appeared."""
    due: float | None = None
    while not (built.is_set() and due is None):
        for victim in installation.processes(*words):
            due = due or time.monotonic() + delay
            if time.monotonic() >= due:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
                    return True
        if built.is_set() and due is not None and time.monotonic() > due + LATEST_S:
            return False
        time.sleep(0.05)
    return False


def keep_up(installation: Installation, over: threading.Event) -> None:
    """What a person or a service manager does: `lepton up` again whenever the control loop is gone."""
    while not over.wait(0.5):
        if not any(True for _ in installation.processes(*VICTIMS["control loop"].words)):
            installation.ask("up")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.getoption("--fault-runs")))


@pytest.mark.timeout(2 * RUN_SECONDS)
def test_the_end_state_is_the_same_and_nothing_is_trained_twice_whoever_is_killed(
    installation: Installation, references: dict[str, Outcome], fault_seed: int, run: int
) -> None:
    names = {kind: f"{kind}-{run}" for kind in WORKERS}
    chance = random.Random(f"{fault_seed}-{run}")  # noqa: S311 - where to strike is no secret
    built, over, killed = threading.Event(), threading.Event(), dict[str, bool]()

    def strike(kind: str, delay: float) -> None:
        victim = VICTIMS[kind]
        words = tuple(word.format(name=names[victim.trains] if victim.trains else "") for word in victim.words)
        killed[kind] = kill_at_a_random_point(installation, words, delay, built)

    strikes = [threading.Thread(target=strike, args=(kind, chance.uniform(0, LATEST_S))) for kind in VICTIMS]
    keeper = threading.Thread(target=keep_up, args=(installation, over))
    for thread in (*strikes, keeper):
        thread.start()
    try:
        build(installation, names)
        built.set()
        for thread in strikes:
            thread.join()
        build(installation, names)  # who struck late struck what served already: it must serve again
    finally:
        built.set()
        over.set()
        for thread in (*strikes, keeper):
            thread.join()
    assert killed == dict.fromkeys(VICTIMS, True)
    assert {kind: outcome(installation, name) for kind, name in names.items()} == references
    for name in names.values():
        twice = sum(times - 1 for times in epochs_trained(installation, name).values())
        assert twice <= 1, "only the epoch that was under way may be trained twice"
    installation.lepton("delete", *names.values())

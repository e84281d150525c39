"""An installation with one good model that must answer throughout, and data sets and specs that are trouble."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml
from PIL import Image

from tests.installation import Installation, wait_until

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
            wait_until(holds, name, SECONDS, every=0.1)
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
        """That of the good model."""
        status = self.status("good")
        (serving,) = (one for one in status["revisions"] if one["number"] == status["serving"]["revision"])
        return Path(serving["artifact"])


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


def sleeping(world: World, name: str) -> psutil.Process:
    """Apply a model whose training does not end. Returns its worker, once it trains."""
    world.apply(name, Trouble(SERVES, "", network={"module": f"{NETWORKS}:sleeps"}))
    wait_until(lambda: world.conditions(name).get("DataReady") == DONE, f"{name} trains", SECONDS)
    (worker,) = world.installation.processes("services.worker", f"/jobs/{name}-build-")
    return worker

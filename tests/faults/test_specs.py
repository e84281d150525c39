"""A spec that can't be done ends as a condition with a reason and a sentence that says what to do."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import DONE, NETWORKS, SECONDS, SERVES, Trouble, World, draw, fails
from tests.installation import wait_until

pytestmark = pytest.mark.usefixtures("serves_on")

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
}


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


def test_data_put_in_place_later_are_found_and_a_few_broken_images_and_a_module_that_talks_do_no_harm(
    world: World,
) -> None:
    late = Trouble(fails("DataReady", "DataNotFound"), "", "{data}/late", network={"module": f"{NETWORKS}:linear"})
    ask = partial(world.apply, "late", late, data={"uri": f"{world.data}/late", "maxCorruptShare": 0.1})
    ask()
    world.wait("late", late.conditions)
    draw(world.data / "late" / "cats", 30, 3)
    draw(world.data / "late" / "dog", 30, 0)
    ask()
    wait_until(lambda: world.conditions("late")["Compressed"] == DONE, "its artifact", SECONDS)
    report = json.loads(world.installation.lepton("report", "late", "-o", "json"))
    assert report["report"]["data"]["corrupt"] == 3
    world.installation.lepton("delete", "late")


def test_a_budget_that_cannot_be_met_leaves_the_revision_before(world: World) -> None:
    world.apply("good", deploy={"topK": 2}, gate={"minAccuracy": 99.99})
    failed = ("False", "BudgetNotMet")
    said = world.wait("good", {**SERVES, "GatePassed": failed, "Ready": failed})
    assert said.startswith("GatePassed: accuracy is ")
    assert said.endswith(
        ", at least 99.99 % asked: lower gate.minAccuracy, train longer, give more examples, or compress less; "
        "users still get answers meanwhile"
    )
    world.apply("good")
    world.wait("good", SERVES)

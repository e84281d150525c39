"""Deleting, editing, suspending and dying while a model trains."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.world import DONE, NETWORKS, SECONDS, SERVES, Trouble, World, fails, sleeping
from tests.installation import wait_until

pytestmark = pytest.mark.usefixtures("serves_on")


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
    wait_until(lambda: outcomes(world, "edited") == building, "it is built again", SECONDS, every=0.1)
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
    for words in (("get",), ("describe", "good")):
        assert "Lepton is not running" in world.installation.ask(*words).stderr
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

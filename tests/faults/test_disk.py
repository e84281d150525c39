"""A full disk is told, and the work goes on by itself once there is room."""

import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.smalldisk import full_disk, limited_job, may_mount
from tests.faults.world import DONE, SECONDS, World, fails
from tests.installation import wait_until

pytestmark = pytest.mark.usefixtures("serves_on")

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
    wait_until(lambda: world.conditions(name)[at] == DONE, f"{at} once there is room", SECONDS, every=0.1)
    world.installation.lepton("delete", name)


def no_room(world: World, place: str, name: str) -> AbstractContextManager[None]:
    if place == "limit":
        return limited_job(world.installation, f"/jobs/{name}-build-")
    return full_disk(world.installation.home / place / (build_of(world, name) if place == "jobs" else name))


def build_of(world: World, name: str) -> str:
    """The name of the build of the good spec under another name: the hash is the same."""
    good = world.status("good")["revisions"][-1]["name"]
    return f"{name}{str(good).removeprefix('good')}"

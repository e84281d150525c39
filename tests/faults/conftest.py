"""One installation on the laptop for the session, and a model on it that serves on whatever happens."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import SECONDS, SERVES, World, draw
from tests.installation import Installation, free_ports, wait_until


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="lepton-faults-") as folder:
        http, grpc, triton_metrics, metrics = free_ports(4)
        installed = Installation(Path(folder), (http, grpc, triton_metrics, metrics))
        installed.up()
        try:
            yield installed
        finally:
            installed.down()
        assert "Traceback" not in (installed.home / "logs" / "loop.log").read_text()


@pytest.fixture(scope="session")
def world(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> World:
    data = tmp_path_factory.mktemp("data")
    draw(data / "one" / "cats", 20, 0)
    draw(data / "spoilt" / "cats", 30, 3)
    draw(data / "spoilt" / "dog", 30, 0)
    made = World(installation, data)
    made.apply("good")
    made.wait("good", SERVES)
    return made


@pytest.fixture
def serves_on(world: World) -> Iterator[None]:
    """What served before still serves, and answers the same."""
    before = world.answer()
    yield
    if world.conditions("good") != SERVES:
        world.apply("good")  # a test that failed in the middle leaves it changed
        world.wait("good", SERVES)
    wait_until(lambda: world.answers(before), "the good model answers as before", SECONDS)

"""Each test strikes as often as --fault-runs says, at points that the seed and its own name draw."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.plan.types import Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.option.fault_runs))


@pytest.fixture
def chance(request: pytest.FixtureRequest, fault_seed: int, run: int) -> random.Random:
    print(f"drawn with --fault-seed {fault_seed}")  # noqa: T201 - for whoever wants to see it fail again
    return random.Random(f"{fault_seed}/{request.node.name}")  # noqa: S311 - when to strike is no secret


@pytest.fixture
def key(chance: random.Random) -> Key:
    """A model of this test's own, so that nothing of another is counted."""
    return Key("default", f"digits-{chance.randrange(2**32):08x}")


@pytest.fixture
def second(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path / "second", identity="operator-1")
    yield made
    made.kill()

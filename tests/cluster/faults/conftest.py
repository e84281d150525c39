"""Each test strikes as often as --fault-runs says, at points that the seed and its own name draw.

What strikes one model strikes so many at once (`victims`), and the removal of a kind strikes all of these once, each at
another point of its life; whatever else strikes all of a cluster does so one after another, so that such a test is
there many times (`victim`). All share an operator, which outlives them as it would in a cluster.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import Victim, chosen
from tests.cluster.faults.proxy import Proxy
from tests.cluster.harness import WITH_GATEWAY
from tests.cluster.operator import Operator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(metafunc.config.option.fault_runs))


@pytest.fixture
def victim(request: pytest.FixtureRequest, fault_seed: int, run: int) -> Victim:
    print(f"drawn with --fault-seed {fault_seed}")  # noqa: T201 - for whoever wants to see it fail again
    return chosen(f"{fault_seed}/{request.node.name}")


@pytest.fixture
def victims(request: pytest.FixtureRequest, fault_seed: int) -> list[Victim]:
    print(f"drawn with --fault-seed {fault_seed}")  # noqa: T201 - the same
    runs = request.config.option.fault_runs
    return [chosen(f"{fault_seed}/{request.node.name}/{run}") for run in range(runs)]


@pytest.fixture(scope="package")
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    with Proxy(control_plane.url) as made:
        yield made


@pytest.fixture(scope="package")
def enduring(control_plane: ControlPlane, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    yield from _endure(Operator(control_plane, tmp_path_factory.mktemp("operator"), through=proxy.url))


@pytest.fixture(scope="package")
def enduring_furnished(furnished: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    yield from _endure(Operator(furnished, tmp_path_factory.mktemp("operator"), settings=WITH_GATEWAY))


def _endure(operator: Operator) -> Iterator[Operator]:
    with operator:
        yield operator


@pytest.fixture
def operator(enduring: Operator) -> Iterator[Operator]:
    """The one that all share, whatever a test before did to it."""
    yield from _without_defects(enduring)


@pytest.fixture
def furnished_operator(enduring_furnished: Operator) -> Iterator[Operator]:
    yield from _without_defects(enduring_furnished)


def _without_defects(operator: Operator) -> Iterator[Operator]:
    operator.ensure()
    known = operator.defects()
    yield operator
    assert operator.defects() == known


@pytest.fixture
def second(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path / "second", identity="operator-1")
    yield made
    if made.log.exists():
        made.thaw()
        made.end()  # so that the next one need not wait until its lease runs out

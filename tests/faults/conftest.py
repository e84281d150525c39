"""How often, and with which random points: `pytest tests/faults --fault-runs 20 --fault-seed 7`."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation, free_ports


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-runs", type=int, default=3, help="how often each process is killed")
    parser.addoption("--fault-seed", type=int, default=None, help="seed of the random points; printed when not given")


@pytest.fixture(scope="session")
def fault_seed(request: pytest.FixtureRequest) -> int:
    given: int | None = request.config.getoption("--fault-seed")
    return random.SystemRandom().randrange(2**31) if given is None else given


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

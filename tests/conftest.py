"""How often the faults strike, and at which random points: `pytest tests/faults --fault-runs 20 --fault-seed 7`."""

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-runs", type=int, default=3, help="how often each fault strikes")
    parser.addoption("--fault-seed", type=int, default=None, help="seed of the random points; printed when not given")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.fault_seed is None:
        config.option.fault_seed = random.SystemRandom().randrange(2**31)


def pytest_report_header(config: pytest.Config) -> str:
    runs, seed = config.option.fault_runs, config.option.fault_seed
    return f"faults: each strikes {runs} times, at points drawn with --fault-seed {seed}"


@pytest.fixture(scope="session")
def fault_seed(request: pytest.FixtureRequest) -> int:
    seed: int = request.config.option.fault_seed
    return seed

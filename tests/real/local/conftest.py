"""One Ray and one Triton for all tests of this folder: starting them is most of the time."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.models import Models
from lepton.backends.local.ports import free_port
from lepton.backends.local.ray import Ray
from lepton.backends.local.triton import Triton


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Return as soon as it holds; AssertionError naming what was waited for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for: {what}"
        time.sleep(0.02)


def free_settings() -> Settings:
    """Settings with ports that nobody listens on."""
    http, grpc, triton, loop = (free_port() for _ in range(4))
    return Settings(http_port=http, grpc_port=grpc, triton_metrics_port=triton, metrics_port=loop)


@pytest.fixture
def empty_home() -> Iterator[Home]:
    """A home of its own for a test that brings its own servers up."""
    root = Path(tempfile.mkdtemp(prefix="lepton-test-"))
    yield Home(root)
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    root = Path(tempfile.mkdtemp(prefix="lepton-test-"))
    yield Home(root).make()
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def ray(home: Home) -> Iterator[Ray]:
    server = Ray(home)
    server.start()
    try:
        wait_until(server.is_ready, f"Ray; its log says\n{server.process.log_tail()}")
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def triton(home: Home) -> Iterator[Triton]:
    server = Triton(home, free_settings())
    server.start()
    try:
        wait_until(server.is_ready, "Triton")
        yield server
    finally:
        server.stop()


@pytest.fixture
def models(home: Home, triton: Triton) -> Iterator[Models]:
    """Nothing is loaded before, and nothing is left after."""
    if not triton.is_ready():
        triton.start()
        wait_until(triton.is_ready, "Triton")
    made = Models(home, triton)
    yield made
    if not triton.is_ready():
        triton.start()
        wait_until(triton.is_ready, "Triton")
    for name in made.records():
        made.unload(name)

"""Set-up: where torch comes from, tried with the real uv against indexes on 127.0.0.1, and what a machine lacks."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.house.index import Authority, Wheels, beyond_a_proxy, registry, wheel
from tools import setup

UV = Path(sys.executable).with_name("uv")
FROM_THE_REGISTRY = wheel("torch", "2.13.0")
FROM_PYTORCH = wheel("torch", "2.13.0+cpu")

World = Callable[[Wheels | None, bool], dict[str, str]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """uv's environment in a world where the registry has one torch, and PyTorch's own index another, or is away."""
    authority = Authority(tmp_path)
    released = threading.Event()
    with ExitStack() as servers:

        def build(beyond: Wheels | None, silent: bool = False) -> dict[str, str]:
            proxy = beyond_a_proxy(beyond, authority, released if silent else None)
            return {
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "UV_CACHE_DIR": str(tmp_path / "cache"),
                "UV_NO_CONFIG": "1",
                "UV_PYTHON": sys.executable,
                "UV_DEFAULT_INDEX": servers.enter_context(registry(FROM_THE_REGISTRY)),
                "NO_PROXY": "127.0.0.1",
                "HTTPS_PROXY": servers.enter_context(proxy),
                "SSL_CERT_FILE": str(authority.file),
            }

        yield build
        released.set()


def installed_torch(flags: list[str], environment: dict[str, str], target: Path) -> str:
    command = [str(UV), "pip", "install", "--quiet", "--target", str(target), *flags, "torch==2.13.0"]
    subprocess.run(command, env=environment, check=True)
    return next(path.name for path in target.glob("torch-*.dist-info"))


def test_where_pytorchs_own_index_answers_its_build_is_taken(world: World, tmp_path: Path) -> None:
    environment = world(FROM_PYTORCH, False)
    flags = setup.torch_flags(UV, "2.13.0", environment)
    assert flags == ["--torch-backend", "auto"]
    assert installed_torch(flags, environment, tmp_path / "site") == "torch-2.13.0+cpu.dist-info"


def test_where_pytorchs_own_index_is_out_of_reach_the_registrys_build_is_taken(world: World, tmp_path: Path) -> None:
    environment = world(None, False)
    flags = setup.torch_flags(UV, "2.13.0", environment)
    assert flags == []
    assert installed_torch(flags, environment, tmp_path / "site") == "torch-2.13.0.dist-info"


def test_an_index_that_says_nothing_costs_seconds_only(world: World) -> None:
    started = time.monotonic()
    assert setup.torch_flags(UV, "2.13.0", world(FROM_PYTORCH, True), probe_s=0.5) == []
    assert time.monotonic() - started < 5


def test_an_index_without_that_version_is_not_taken(world: World) -> None:
    assert setup.torch_flags(UV, "2.13.0", world(wheel("torch", "2.12.0+cpu"), False)) == []


def test_a_machine_without_venv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert setup.complaints() == ["Python's venv module is missing: run `sudo apt-get install python3.11-venv`."]


def test_another_python_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 12, 1))
    assert setup.complaints() == [
        "Python 3.11 is needed and this is 3.12: run `make setup PYTHON=/path/to/python3.11`."
    ]


def test_this_machine_lacks_nothing() -> None:
    assert setup.complaints() == []

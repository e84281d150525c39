"""What is missing on this machine and how to mend it: each check is a small function that looks at one thing.

`lepton doctor` runs them all. They start and change nothing, but for making the folders of LEPTON_HOME.
"""

import ctypes
import importlib.metadata
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.ports import require_free
from lepton.backends.local.service import server_states
from lepton.backends.local.store import Store
from lepton.cli.console import stdout
from lepton.cli.errors import CommandError
from lepton.cli.place import Finding, Place
from lepton.cli.show import words
from lepton.errors import LeptonError

GIB = 2**30
_LEAST_DISK, _GOOD_DISK = 2 * GIB, 5 * GIB
_LEAST_MEMORY, _GOOD_MEMORY = 2 * GIB, 4 * GIB
_GOOD_SHARED_MEMORY = GIB // 4
_PACKAGES = {
    "ray": "runs the jobs",
    "torch": "trains",
    "torch-pruning": "prunes",
    "onnxruntime": "quantizes and serves",
    "nvidia-pytriton": "brings the Triton server",
    "tritonclient": "calls it",
}
_INSTALL = "install it: make setup (in a clone), or pip install 'leptonml[local]'"


def run_doctor(place: Place) -> None:
    """Print what all checks of a place found. Raises CommandError when something is missing."""
    findings = place.findings()
    stdout().print(findings_table(findings))
    missing = [finding.name for finding in findings if finding.level == "missing"]
    if missing:
        raise CommandError(f"missing: {', '.join(missing)}")


def examine(home: Home, *, running: bool) -> list[Finding]:
    """Run every check of this machine."""
    settings = _settings(home)
    return [finding for check in CHECKS for finding in check(home, settings, running)]


def findings_table(findings: list[Finding]) -> Table:
    """The findings for the terminal."""
    marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "missing": "[red]missing[/]"}
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        text = escape(finding.found) + (f"\n[bold]{escape(finding.mend)}[/]" if finding.mend else "")
        table.add_row(marks[finding.level], finding.name, text)
    return table


def _python(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 11):
        yield Finding("Python", "ok", f"{version} at {sys.executable}")
    else:
        yield Finding("Python", "missing", f"{version}; Triton's wheel is used with 3.11", "install Python 3.11")


def _packages(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    for package, purpose in _PACKAGES.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "missing", f"not installed; it {purpose}", _INSTALL)
        else:
            yield Finding(package, "ok", version)


def _ray(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    yield from _program("ray", Path("core/src/ray/gcs/gcs_server"), "Ray's server")


def _triton(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    yield from _program("pytriton", Path("tritonserver/bin/tritonserver"), "Triton's server")


def _shared_python(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    """The Python inside Triton is the shared library; some distributions package it apart."""
    name = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"
    if (Path(sysconfig.get_config_var("LIBDIR") or "/") / name).exists() or _can_load(name):
        yield Finding("Python library", "ok", name)
    else:
        mend = f"sudo apt-get install {name.partition('.so')[0]}"
        yield Finding("Python library", "missing", f"{name} is not found; Triton needs it", mend)


def _home(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    try:
        home.make()
        Store(home.database).close()
    except LeptonError as error:
        yield Finding("LEPTON_HOME", "missing", error.message, "make it writable, or set LEPTON_HOME to another folder")
    else:
        yield Finding("LEPTON_HOME", "ok", f"{home.root} is writable")


def _disk(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    place = next(path for path in (home.root, *home.root.parents) if _is_there(path))
    free = shutil.disk_usage(place).free
    yield _amount("disk", free, _LEAST_DISK, _GOOD_DISK, f"free at {place}", "free some space, or set LEPTON_HOME")


def _memory(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    import psutil  # noqa: PLC0415 - only this check needs it

    free = psutil.virtual_memory().available
    yield _amount(
        "memory", free, _LEAST_MEMORY, _GOOD_MEMORY, "available", "end other programs, or use a larger machine"
    )


def _shared_memory(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    place = Path("/dev/shm")  # noqa: S108 - Ray and Triton use this very place
    if not place.is_dir():
        yield Finding("shared memory", "missing", "there is no /dev/shm", "mount a tmpfs there")
        return
    free = shutil.disk_usage(place).free
    mend = "in a container, start it with --shm-size=1g"
    yield _amount("shared memory", free, 64 * 2**20, _GOOD_SHARED_MEMORY, "free in /dev/shm", mend)


def _ports(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    if running:
        return
    for option, port in settings.ports.items():
        try:
            require_free({option: port})
        except LeptonError as error:
            yield Finding(f"port {port}", "missing", error.message)
        else:
            yield Finding(f"port {port}", "ok", f"free for {option[2:].replace('-', ' ')}")


def _running(home: Home, settings: Settings, running: bool) -> Iterator[Finding]:
    if not running:
        yield Finding("Lepton", "warning", "is not running", "lepton up")
        return
    yield Finding("Lepton", "ok", f"runs; HTTP on port {settings.http_port}, gRPC on port {settings.grpc_port}")
    states = server_states(home)
    if states is not None:
        yield _server("Ray", states.ray)
        yield _server("Triton", states.triton)


CHECKS: tuple[Callable[[Home, Settings, bool], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _ray,
    _triton,
    _shared_python,
    _home,
    _disk,
    _memory,
    _shared_memory,
    _ports,
    _running,
)


def _server(name: str, state: str) -> Finding:
    if state == "ready":
        return Finding(name, "ok", "takes work")
    if state == "starting":
        return Finding(name, "warning", "is starting", "wait a moment")
    return Finding(name, "missing", state, "mend what it says; Lepton starts it again by itself")


def _settings(home: Home) -> Settings:
    """What `lepton up` was last told; the defaults where the store can't be read, which another check tells."""
    if not _is_there(home.database):
        return Settings()
    try:
        store = Store(home.database)
    except LeptonError:
        return Settings()
    try:
        return store.settings()
    finally:
        store.close()


def _is_there(path: Path) -> bool:
    """Whether it exists, as far as one may look."""
    try:
        return path.exists()
    except OSError:
        return False


def _program(package: str, place: Path, name: str) -> Iterator[Finding]:
    """A program inside a package's folder; that the package is missing is told by _packages."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return
    program = Path(spec.origin).parent / place
    if os.access(program, os.X_OK):
        yield Finding(name, "ok", str(program))
    else:
        yield Finding(name, "missing", f"{program} can't be run", f"install the package of {package} anew")


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _amount(name: str, free: int, least: int, good: int, what: str, mend: str) -> Finding:
    found = f"{words.size(free)} {what}"
    if free < least:
        return Finding(name, "missing", f"{found}; at least {words.size(least)} are needed", mend)
    if free < good:
        return Finding(name, "warning", f"{found}; {words.size(good)} would be comfortable", mend)
    return Finding(name, "ok", found)

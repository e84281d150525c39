"""Makes `.venv` ready from the lock files: `python3.11 tools/setup.py`, called by `make setup`.

Needs nothing but Python 3.11 and a package index. Running it again is quick and changes nothing that is right;
two at once take turns. It never touches anything outside `.venv`, except uv's own cache.
"""

import ctypes
import fcntl
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV_LOCK = ROOT / "requirements" / "setup.lock"
LOCK = ROOT / "requirements" / "local.lock"
PROBE_S = 10.0
"""Seconds after which PyTorch's own index counts as out of reach."""


def complaints() -> list[str]:
    """What this machine lacks, each in a sentence that says how to mend it."""
    found = []
    if sys.version_info[:2] != (3, 11):
        given = ".".join(map(str, sys.version_info[:2]))
        found.append(f"Python 3.11 is needed and this is {given}: run `make setup PYTHON=/path/to/python3.11`.")
    if sys.platform != "linux":
        found.append(f"Linux is needed (Triton's server is built for it) and this is {sys.platform}.")
    if importlib.util.find_spec("ensurepip") is None:
        found.append("Python's venv module is missing: run `sudo apt-get install python3.11-venv`.")
    if not _has_shared_python():
        found.append("Python's shared library is missing (Triton needs it): run `sudo apt-get install libpython3.11`.")
    return found


def _has_shared_python() -> bool:
    name = "libpython3.11.so.1.0"
    if (Path(sysconfig.get_config_var("LIBDIR") or "/") / name).exists():
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def make_venv(python: Path) -> None:
    """Create `.venv` with the uv of the lock file, or mend it when it is half made or its Python is gone."""
    wanted = f"uv {locked_version(UV_LOCK, 'uv')} "
    if _is_python_311(python) and f"{_answers(VENV / 'bin' / 'uv', '--version').strip()} ".startswith(wanted):
        return
    clear = [] if _is_python_311(python) else ["--clear"]
    _run(sys.executable, "-m", "venv", *clear, str(VENV))
    quiet = ("--quiet", "--disable-pip-version-check")
    _run(str(python), "-m", "pip", "install", *quiet, "--require-hashes", "--requirement", str(UV_LOCK))


def _is_python_311(python: Path) -> bool:
    return _answers(python, "--version").startswith("Python 3.11.")


def _answers(*command: str | Path) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def locked_version(lock: Path, package: str) -> str:
    """The version of a package that a lock file names."""
    versions: list[str] = re.findall(rf"^{package}==(\S+)", lock.read_text(), re.MULTILINE)
    return versions[0]


def torch_flags(uv: Path, version: str, environment: Mapping[str, str], probe_s: float = PROBE_S) -> list[str]:
    """uv's options for where torch comes from: PyTorch's own index if it answers in time, else the registry.

    PyTorch's index has builds without CUDA, 180 MB instead of gigabytes; uv takes the one for this machine's GPU, or
    for none. uv itself knows where that index is, so it is asked to find torch there, and nothing is installed.
    """
    flags = ["--torch-backend", "auto"]
    command = [str(uv), "pip", "compile", "-", "--quiet", "--no-deps", "--python-version", "3.11"]
    seconds = str(max(1, int(probe_s)))
    hurry = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": seconds, "UV_HTTP_CONNECT_TIMEOUT": seconds}
    try:
        subprocess.run(
            [*command, "--refresh-package", "torch", *flags],
            input=f"torch=={version}\n",
            env={**environment, **hurry},
            capture_output=True,
            text=True,
            timeout=probe_s,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return []
    return flags


def install(uv: Path, python: Path) -> None:
    """Install what the lock file names, then Lepton itself, editable."""
    flags = torch_flags(uv, locked_version(LOCK, "torch"), os.environ)
    print(f"torch comes from {'PyTorch' if flags else 'the registry'}: ", end="")
    print("its build for this machine" if flags else "PyTorch's own index can't be reached from here", flush=True)
    pip = (str(uv), "pip", "install", "--python", str(python))
    _run(*pip, "--no-build", *flags, "--requirement", str(LOCK))
    _run(*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> int:
    """Set up; 1 with a sentence on stderr where the machine lacks something, 2 where a step failed."""
    missing = complaints()
    for complaint in missing:
        print(complaint, file=sys.stderr)
    if missing:
        return 1
    python = VENV / "bin" / "python"
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            make_venv(python)
            install(VENV / "bin" / "uv", python)
        except subprocess.CalledProcessError as error:
            step = " ".join(Path(word).name for word in error.cmd[:4])
            print(f"Set-up stopped at `{step}` (see above). Mend that and run it again.", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

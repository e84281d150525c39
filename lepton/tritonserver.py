"""The tritonserver program of the nvidia-pytriton wheel: where it is, and what it needs around it to run."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason


def wheel() -> Path:
    """The server's folder in the wheel, found without importing it. Raises LeptonError SERVER_UNAVAILABLE."""
    package = find_spec("pytriton")
    if package is None or package.origin is None:
        message = "the Triton server is not installed: install leptonml[local] (or the wheel nvidia-pytriton)"
        raise LeptonError(Reason.SERVER_UNAVAILABLE, message)
    return Path(package.origin).parent / "tritonserver"


def environment(server: Path) -> Mapping[str, str]:
    """What its environment must be."""
    # without the interpreter's own libraries first the stub dies, and the server stays "loading" for ever
    libraries = [sysconfig.get_config_var("LIBDIR"), str(server.parents[1] / "nvidia_pytriton.libs")]
    return {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")]).rstrip(os.pathsep),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    }


def copy_backend(server: Path, backends: Path) -> None:
    """Put the Python backend into a folder of ours: it looks for its stub beside its library; the wheel parts them.

    Raises OSError.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    library = server / "backends" / "python"
    for file in (stub, *(file for file in library.rglob("*") if file.is_file())):
        copy = backends / "python" / (file.relative_to(library) if file != stub else stub.name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        fresh = copy.with_name(f".{copy.name}")
        shutil.copy2(file, fresh)
        fresh.replace(copy)  # a program that still runs may be replaced, but never written to

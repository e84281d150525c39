"""Programs of Kubernetes from its own site, which spares a build of some minutes. Called by programs alone.

Each has its checksum beside it. What is not whole, or is not what the checksum says, is not kept: the build follows.
"""

import hashlib
import platform
import shutil
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

SITE = "https://dl.k8s.io"
OFFERED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_CONNECT_S, _SILENCE_S = 2.0, 30.0
_out_of_reach: set[str] = set()
"""The sites of which this process knows that nothing answers there: each further program would wait again."""


def download(name: str, version: str, target: Path, site: str = SITE) -> bool:
    """Make a file of the program, to be run. False where it can't be had, with a printed line and no file."""
    if name not in OFFERED or site in _out_of_reach:
        return False
    try:
        _fetch(f"{site}/v{version}/bin/linux/{_MACHINES.get(platform.machine(), platform.machine())}/{name}", target)
    except (OSError, HTTPException, ValueError) as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, HTTPError):
            _out_of_reach.add(site)
        print(f"{name} can't be downloaded ({error}): it is built", flush=True)  # noqa: T201 - which takes minutes
        return False
    return True


def _fetch(url: str, target: Path) -> None:
    with urllib.request.urlopen(f"{url}.sha256", timeout=_CONNECT_S) as answer:  # noqa: S310 - a site of our own choice
        wanted = answer.read(64).decode()
    with urllib.request.urlopen(url, timeout=_SILENCE_S) as answer, target.open("wb") as file:  # noqa: S310 - the same
        shutil.copyfileobj(answer, file)
    with target.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != wanted:
        raise ValueError(f"{url} has checksum {got}, and should have {wanted}")
    target.chmod(0o755)

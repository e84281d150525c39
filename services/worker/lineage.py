"""Where a revision comes from: code, libraries, hardware."""

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import torch

import lepton
import services

LIBRARIES = ("torch", "ray", "numpy", "pillow", "onnx", "onnxruntime", "torch-pruning", "scikit-learn")


def code_version() -> str:
    """sha256 over Lepton's own sources, so that an edited checkout is told from a release."""
    digest = hashlib.sha256()
    for package in (lepton, services):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{digest.hexdigest()}"


def libraries() -> dict[str, str]:
    """Versions of the libraries that the figures depend on."""
    return {name: version(name) for name in LIBRARIES} | {"python": platform.python_version()}


def hardware() -> dict[str, str]:
    """The machine, as far as the figures depend on it."""
    facts = {"machine": platform.machine(), "cores": str(os.cpu_count()), "cpu": _cpu_model()}
    if torch.cuda.is_available():
        facts["gpu"] = f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return facts


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def without_credentials(url: str) -> str:
    """The address without user and password, and without a query, which may hold a signature.

    Of a chain such as `zip://pets.npz::https://...` that is each link.
    """
    return "::".join(map(_bare, url.split("::")))


def _bare(url: str) -> str:
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

"""The lock files: fresh enough for pyproject.toml, hashed, free of addresses, and open where torch's build varies."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import blocks, cuda_libraries, without_cuda

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {path.name: path.read_text() for path in (ROOT / "requirements").glob("*.lock")}
LOCAL = dict(blocks(LOCKS["local.lock"].partition("\n")[2]))
HASH = "    --hash=sha256:"
RESOLVED = """\
cuda-bindings==13.5.0 \\
    --hash=sha256:aa
    # via torch
cuda-pathfinder==1.9.0 \\
    --hash=sha256:bb
    # via cuda-bindings
filelock==4.2.11 \\
    --hash=sha256:cc
    # via
    #   ray
    #   torch
nvidia-pytriton==0.7.0 \\
    --hash=sha256:dd
    # via leptonml (pyproject.toml)
torch==2.13.0 \\
    --hash=sha256:ee \\
    --hash=sha256:ff
    # via
    #   leptonml (pyproject.toml)
    #   torch-pruning
"""


def required() -> list[Requirement]:
    """Every requirement in pyproject.toml, of all extras and groups."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    groups = PROJECT["dependency-groups"].values()
    texts = [*PROJECT["project"]["dependencies"], *(text for group in [*extras, *groups] for text in group)]
    return [Requirement(text) for text in texts if not text.startswith("leptonml[")]


@pytest.mark.parametrize("requirement", required(), ids=str)
def test_what_pyproject_asks_for_is_locked_in_a_version_that_fits(requirement: Requirement) -> None:
    pins = {name: lines for lock in LOCKS.values() for name, lines in blocks(lock.partition("\n")[2])}
    pin = Requirement(pins[canonicalize_name(requirement.name)][0].removesuffix("\\"))
    (version,) = pin.specifier
    assert version.operator == "=="
    assert requirement.specifier.contains(version.version)


def test_every_package_but_torch_has_hashes() -> None:
    unhashed = {name for name, lines in LOCAL.items() if not any(line.startswith(HASH) for line in lines)}
    assert unhashed == {"torch"}


@pytest.mark.parametrize("text", LOCKS.values(), ids=LOCKS)
def test_a_lock_file_holds_no_address(text: str) -> None:
    assert re.search(r"://|--index|--find-links| @ ", text) is None


def test_the_lock_file_leaves_out_what_only_torchs_cuda_build_needs() -> None:
    assert [name for name in LOCAL if name.startswith(("nvidia-", "cuda-"))] == ["nvidia-pytriton"]
    assert "triton" not in LOCAL


def test_of_what_uv_resolves_torch_loses_its_hashes_and_its_cuda_libraries() -> None:
    assert cuda_libraries(dict(blocks(RESOLVED))) == {"cuda-bindings", "cuda-pathfinder"}
    assert without_cuda(RESOLVED).splitlines()[1:] == [
        "filelock==4.2.11 \\",
        "    --hash=sha256:cc",
        "    # via",
        "    #   ray",
        "    #   torch",
        "nvidia-pytriton==0.7.0 \\",
        "    --hash=sha256:dd",
        "    # via leptonml (pyproject.toml)",
        "torch==2.13.0",
        "    # via",
        "    #   leptonml (pyproject.toml)",
        "    #   torch-pruning",
    ]

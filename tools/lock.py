"""Writes the lock files from pyproject.toml: `make lock`.

They hold versions and hashes and no download address, so that any mirror serves. torch has a version only, because
its build depends on the machine, and so the CUDA libraries that only some of its builds need are left out.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make lock` from pyproject.toml: do not edit.\n"
_AS_TESTED = ("--constraint", "requirements/local.lock", "pyproject.toml")
"""The images hold what the tests ran with."""
GROUPS = {
    "setup.lock": ("--group", "setup"),
    "go.lock": ("--group", "go"),
    "local.lock": (
        *("--extra", "local", "--extra", "operator", "--extra", "s3", "--extra", "gcs"),
        *("--group", "dev", "--group", "bench", "pyproject.toml"),
    ),
    "operator.lock": ("--extra", "operator", *_AS_TESTED),
    "worker.lock": ("--extra", "worker", "--extra", "s3", "--extra", "gcs", *_AS_TESTED),
    "server.lock": ("--extra", "server", "--extra", "s3", "--extra", "gcs", *_AS_TESTED),
}
BUILT_FOR_A_GPU = ("nvidia-", "cuda-", "triton")


def compile_lock(options: tuple[str, ...]) -> str:
    """What uv resolves for these options, with hashes; only wheels, for any Linux of the last years."""
    uv = Path(sys.executable).with_name("uv")
    platform = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_35", "--no-build")
    form = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--upgrade", "--quiet")
    command = (str(uv), "pip", "compile", *platform, *form, *options)
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def blocks(lock: str) -> Iterator[tuple[str, list[str]]]:
    """Each package of a lock file with its lines: the version, the hashes, and who needs it."""
    lines: list[str] = []
    for line in lock.splitlines():
        if not line.startswith((" ", "#")) and lines:
            yield _name(lines), lines
            lines = []
        lines.append(line)
    if lines:
        yield _name(lines), lines


def _name(lines: list[str]) -> str:
    return Requirement(lines[0].removesuffix("\\")).name


def needed_by(lines: list[str]) -> set[str]:
    """The packages that need the one of this block."""
    comments = [line.strip().removeprefix("#").strip().removeprefix("via").strip() for line in lines if "#" in line]
    return {comment for comment in comments if comment}


def cuda_libraries(packages: Mapping[str, list[str]]) -> set[str]:
    """The packages that are there for torch's CUDA build and for nothing else."""
    found = {"torch"}
    while True:
        more = {
            name
            for name, lines in packages.items()
            if name.startswith(BUILT_FOR_A_GPU) and needed_by(lines) <= found and name not in found
        }
        if not more:
            return found - {"torch"}
        found |= more


def without_cuda(lock: str) -> str:
    """The lock file with no hash for torch and no library of its CUDA build."""
    packages = dict(blocks(lock))
    for name in cuda_libraries(packages):
        del packages[name]
    if "torch" in packages:
        version, *rest = packages["torch"]
        comments = [line for line in rest if "--hash" not in line]
        packages["torch"] = [version.removesuffix("\\").rstrip(), *comments]
    return HEADER + "".join(f"{line}\n" for lines in packages.values() for line in lines)


def main() -> None:
    """Write every lock file."""
    for name, options in GROUPS.items():
        (ROOT / "requirements" / name).write_text(without_cuda(compile_lock(options)))


if __name__ == "__main__":
    main()

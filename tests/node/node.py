"""One real Kubernetes node with its control plane: containerd, kubelet, scheduler, kube-proxy, CoreDNS.

Used by tests.node inside namespaces of the node's own. Images stay in the folder `kept` from one run to the next;
everything else lies in the node's folder.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

import yaml

from tests.cluster.control_plane import ControlPlane
from tests.installation import wait_until
from tests.node import cgroups, images, network
from tests.node.kube import Kube
from tests.node.processes import Processes
from tests.node.scratch import scratch
from tests.programs.programs import find

NAME = "node"
SOCKET = "/run/containerd/containerd.sock"
_PATIENCE_S = 120.0
_TRIES = 3
"""To import an image."""
_KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "cgroupDriver": "cgroupfs",
    "cgroupsPerQOS": False,
    "cgroupRoot": cgroups.ROOT,
    "enforceNodeAllocatable": [],
    "failSwapOn": False,
    "clusterDNS": [network.ADDRESS],
    "clusterDomain": network.DOMAIN,
    "containerRuntimeEndpoint": f"unix://{SOCKET}",
    "resolvConf": "/etc/resolv.conf",
    "nodeLeaseDurationSeconds": 20,
    "imageGCHighThresholdPercent": 100,
    "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
}


class Node:
    """Use it in a with statement."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder = folder
        self.plane = ControlPlane(folder / "control-plane", controllers="*", node_address=network.ADDRESS)
        self.processes = Processes(folder)
        self._kept = kept

    def __enter__(self) -> Self:
        try:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
            subprocess.run(["mount", "--make-rshared", "/"], check=True)
            cgroups.prepare()
            network.bring_up(self.folder)
            self._start_containerd()
            self.plane.__enter__()
            self._start_dns()
            for name in (*images.NAMES, *images.PROGRAMS):
                self._import(name)
            self._start_node()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator."""
        return self.plane.kubeconfig

    @property
    def kube(self) -> Kube:
        """Speaks with the API server as an administrator."""
        return Kube(self.kubeconfig)

    def stop(self) -> None:
        """End everything; containers end with the namespace of processes that they are in."""
        self.processes.end_all()
        self.plane.stop()

    def _start_containerd(self) -> None:
        root = self._kept / "containerd"
        root.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "containerd.toml"
        conf.write_text(
            _CONTAINERD.format(root=root, socket=SOCKET, pause=images.tag("pause"), networks=self.folder / "cni")
        )
        self.processes.start("containerd", ["containerd", "--config", conf])
        wait_until(lambda: self._ctr("version").returncode == 0, "containerd answers", _PATIENCE_S)
        for leftover in self._ctr("containers", "list", "--quiet").stdout.split():
            self._ctr("containers", "delete", leftover)
        for name in self._ctr("images", "list", "--quiet").stdout.split():
            if name.startswith("sha256:"):  # else images that have been replaced would stay for ever
                self._ctr("images", "delete", "--sync", name)

    def _start_dns(self) -> None:
        corefile = self.folder / "Corefile"
        corefile.write_text(_COREFILE.format(address=network.ADDRESS, domain=network.DOMAIN, conf=self.kubeconfig))
        self.processes.start("coredns", [find("coredns"), "-conf", corefile])

    def _import(self, name: str) -> None:
        """Let the node have an image, of which it may have parts from before.

        Those are nobody's while another image takes the place of the one before, and containerd's garbage collector may
        take them away between two steps of that. Then the next try brings them.
        """
        for _ in range(_TRIES):
            done = self._try_to_import(name)
            if done.returncode == 0:
                return
        raise RuntimeError(f"containerd does not take the image {name}: {done.stderr}")

    def _try_to_import(self, name: str) -> subprocess.CompletedProcess[str]:
        known = {digest.removeprefix("sha256:") for digest in self._ctr("content", "list", "--quiet").stdout.split()}
        with scratch(images.folder(), ".image-") as made:
            images.lay_out(name, known, made)
            packed = subprocess.Popen(["tar", "--create", "--directory", made, "."], stdout=subprocess.PIPE)
            done = self._ctr("images", "import", "-", stdin=packed.stdout)
            packed.wait()
        return done

    def _start_node(self) -> None:
        conf, tools = self.folder / "kubelet.yaml", self.folder / "tools"
        conf.write_text(yaml.safe_dump(_KUBELET))
        tools.mkdir()
        api = f"--kubeconfig={self.kubeconfig}"
        self.processes.start(
            "kube-scheduler",
            [find("kube-scheduler"), api, "--leader-elect=false", f"--bind-address={network.ADDRESS}"],
        )
        self.processes.start(
            "kubelet",
            [
                *(find("kubelet"), api, f"--config={conf}", f"--root-dir={self.folder / 'kubelet'}"),
                *(f"--hostname-override={NAME}", f"--node-ip={network.ADDRESS}", f"--cert-dir={self.folder / 'pki'}"),
            ],
            {**os.environ, "PATH": f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}"},
        )
        self.processes.start(
            "kube-proxy",
            [
                *(find("kube-proxy"), api, "--proxy-mode=iptables", f"--cluster-cidr={network.POD_RANGE}"),
                *(f"--hostname-override={NAME}", "--conntrack-max-per-core=0"),
                *("--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s"),
            ],
        )
        self.wait(self._is_ready, "the node is ready")

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something that the node's processes bring about. RuntimeError when one of them has ended."""

        def does() -> bool:
            self.processes.check()
            return holds()

        wait_until(does, what, _PATIENCE_S)

    def _is_ready(self) -> bool:
        node = self.kube.find("node", NAME)
        conditions = [] if node is None else node["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def _ctr(self, *arguments: str, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
        command = ["ctr", "--address", SOCKET, "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)


_CONTAINERD = """\
version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""
_COREFILE = """\
.:53 {{
    bind {address}
    errors
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {conf}
        ttl 0
    }}
    template IN A models.test {{
        answer "{{{{ .Name }}}} 5 IN A {address}"
    }}
    template IN AAAA models.test {{
        rcode NOERROR
    }}
}}
"""

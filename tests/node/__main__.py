"""`python -m tests.node COMMAND...`: brings up a whole Kubernetes node, runs the command on it, takes all of it down.

The node lives in namespaces of its own (network, mounts, processes): nothing of it is seen from outside, and when its
first process ends, all of it ends. KUBECONFIG is set for the command. As root, on Debian; it says what it lacks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from tests.node import images, parts
from tests.node.node import Node
from tests.programs.programs import CONTROL_PLANE, NODE, build, cache, find

_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "debootstrap": "debootstrap",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}
_NAMESPACES = [
    "unshare",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    "--propagation",
    "slave",
]
_REAPER = ["bash", "-c", '"$@"; exit $?', "node"]
"""The first process of the node: it reaps what others leave behind, as init does."""
_INSIDE = "--inside"


def lacking() -> list[str]:
    """The Debian packages that a node needs and this machine lacks."""
    return [package for program, package in _PACKAGES.items() if shutil.which(program) is None]


def complaints() -> list[str]:
    """Why no node can be started here, each in a sentence that says how to mend it."""
    missing = lacking()
    found = [] if os.geteuid() == 0 else ["run it as root: it makes namespaces and mounts"]
    return [*found, f"run `sudo apt-get install {' '.join(missing)}`"] if missing else found


def outside(command: list[str]) -> NoReturn:
    """Have every program and image ready, then become the node: whoever ends this process ends the node."""
    for program in (*CONTROL_PLANE, *NODE):
        find(program)
    build("kubectl")  # of the API server's version, whichever else is on PATH
    for image in images.NAMES:
        images.environment(image)
    again = [sys.executable, "-m", "tests.node", _INSIDE, *command]
    os.execvp(_NAMESPACES[0], [*_NAMESPACES, *_REAPER, *again])  # noqa: S606 - no shell is wanted


def inside(command: list[str]) -> int:
    """Bring the node up, run the command, and show the logs of the node where it failed."""
    folder = Path(tempfile.mkdtemp(prefix="lepton-node-"))
    try:
        with Node(folder, cache() / "node") as node:
            parts.install(node)
            environment = {**os.environ, "KUBECONFIG": str(node.kubeconfig), "LEPTON_NODE": str(folder)}
            return subprocess.run(command, check=False, env=environment).returncode
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the node's folder; what is mounted in it is taken out first, and so stays whole."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed([one for one in mounted if one.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", point], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the command that the arguments give; with `--lacking` name the packages to install first."""
    command = sys.argv[1:]
    if command == ["--lacking"]:
        print(*lacking())  # noqa: T201 - a command's words
        return 0
    if command[:1] == [_INSIDE]:
        return inside(command[1:])
    if complaints():
        for sentence in complaints():
            print(f"a node can't be started here: {sentence}", file=sys.stderr)  # noqa: T201 - a command's words
        return 2
    outside(command)


if __name__ == "__main__":
    sys.exit(main())

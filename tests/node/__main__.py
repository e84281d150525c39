"""`python -m tests.node COMMAND...`: brings up a whole Kubernetes node, runs the command on it, takes all of it down.

The node lives in namespaces of its own (network, mounts, processes): nothing of it is seen from outside, and when this
process or its own first one ends, however that be, all of it ends. KUBECONFIG is set for the command. As root, on
Debian; it says what it lacks.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.node import images, parts
from tests.node.node import Node
from tests.node.scratch import held, scratch
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
    *("setpriv", "--pdeathsig", "KILL"),
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
_ROOM_GB = 5
_ROOM_SHARE = 0.02
"""A kubelet evicts pods where less than half of that is left of the disk."""


def lacking() -> list[str]:
    """The Debian packages that a node needs and this machine lacks."""
    return [package for program, package in _PACKAGES.items() if shutil.which(program) is None]


def complaints() -> list[str]:
    """Why no node can be started here, each in a sentence that says how to mend it."""
    missing = lacking()
    found = [] if os.geteuid() == 0 else ["run it as root: it makes namespaces and mounts"]
    found += [f"run `sudo apt-get install {' '.join(missing)}`"] if missing else []
    return found or [_too_small(folder) for folder in (kept(), Path(tempfile.gettempdir())) if _room(folder) < 0]


def _room(folder: Path) -> float:
    """By how many GB the disk of a folder has more than is needed."""
    disk = shutil.disk_usage(folder)
    return (disk.free - max(_ROOM_GB * 1e9, _ROOM_SHARE * disk.total)) / 1e9


def _too_small(folder: Path) -> str:
    return f"free {-_room(folder):.1f} GB more of the disk of {folder}"


def kept() -> Path:
    """The folder of what one node leaves to the next."""
    folder = cache() / "node"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def outside(command: list[str]) -> int:
    """Have every program and image ready, then run the node until its end, which is this process's too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda given, _: sys.exit(128 + given))
    with held(kept()) as alone:
        if not alone:
            return _refuse("another one is at work on this machine: wait for its end")
        for program in (*CONTROL_PLANE, *NODE):
            find(program)
        build("kubectl")  # of the API server's version, whichever else is on PATH
        for image in images.NAMES:
            images.environment(image)
        with scratch(Path(tempfile.gettempdir()), "lepton-node-") as folder:
            again = [sys.executable, "-m", "tests.node", _INSIDE, str(folder), *command]
            node = subprocess.Popen([*_NAMESPACES, *_REAPER, *again])
            try:
                return node.wait()
            finally:
                node.kill()
                node.wait()


def inside(folder: Path, command: list[str]) -> int:
    """Bring the node up and run the command."""
    with Node(folder, kept()) as node:
        parts.install(node)
        environment = {**os.environ, "KUBECONFIG": str(node.kubeconfig)}
        return subprocess.run(command, check=False, env=environment).returncode


def main() -> int:
    """Run the command that the arguments give; with `--lacking` name the packages to install first."""
    command = sys.argv[1:]
    if command == ["--lacking"]:
        print(*lacking())  # noqa: T201 - a command's words
        return 0
    if command[:1] != [_INSIDE] and (found := complaints()):
        return _refuse(*found)
    try:
        return inside(Path(command[1]), command[2:]) if command[:1] == [_INSIDE] else outside(command)
    except KeyboardInterrupt:
        return 130
    except (OSError, AssertionError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"the node failed: {error}", file=sys.stderr)  # noqa: T201 - a command's words
        return 1


def _refuse(*sentences: str) -> int:
    for sentence in sentences:
        print(f"a node can't be started here: {sentence}", file=sys.stderr)  # noqa: T201 - a command's words
    return 2


if __name__ == "__main__":
    sys.exit(main())

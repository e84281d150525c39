"""The network of a node: an address that is the node's, a bridge for its pods, and names by its own DNS.

Run inside a network namespace and mounts of the node's own.
"""

import json
import subprocess
from pathlib import Path

ADDRESS = "10.97.0.1"
POD_RANGE = "10.98.0.0/16"
DOMAIN = "cluster.local"
_LINKS = f"""\
ip link set lo up
ip link add eth0 type veth peer name outside
ip addr add {ADDRESS}/24 dev eth0
ip link set eth0 up
ip link set outside up
ip route add default dev eth0
"""
_BRIDGE = {
    "cniVersion": "0.4.0",
    "name": "lepton",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]},
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


def bring_up(folder: Path) -> None:
    """Make the links, have packets forwarded, and let everything on the node ask the node's DNS."""
    subprocess.run(["sh", "-ec", _LINKS], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    conf = folder / "cni"
    conf.mkdir()
    (conf / "10-lepton.conflist").write_text(json.dumps({**_BRIDGE, "plugins": _plugins(folder)}))
    names = folder / "resolv.conf"
    names.write_text(f"nameserver {ADDRESS}\nsearch svc.{DOMAIN} {DOMAIN}\n")
    subprocess.run(["mount", "--bind", names, "/etc/resolv.conf"], check=True)


def _plugins(folder: Path) -> list[dict[str, object]]:
    """The bridge remembers addresses in the node's folder."""
    bridge, ports = _BRIDGE["plugins"]
    assert isinstance(bridge, dict)
    assert isinstance(ports, dict)
    return [{**bridge, "ipam": {**bridge["ipam"], "dataDir": str(folder / "addresses")}}, ports]

"""Webhooks of controllers that run on the node as processes: asked at the node's address, for they have no Service."""

import base64
from pathlib import Path

from tests.certificates import self_signed
from tests.node.kube import Object
from tests.node.network import ADDRESS


def at_the_node(configurations: list[Object], port: int, trusted: bytes) -> list[Object]:
    """The configurations of webhooks, which are asked at a port of the node and not through a Service."""
    for configuration in configurations:
        for webhook in configuration["webhooks"]:
            path = webhook["clientConfig"]["service"]["path"]
            authority = base64.b64encode(trusted).decode()
            webhook["clientConfig"] = {"url": f"https://{ADDRESS}:{port}{path}", "caBundle": authority}
    return configurations


def certificate(folder: Path) -> bytes:
    """A certificate for the node's address, that signs itself; written where a controller looks for it."""
    folder.mkdir(parents=True)
    made, key = self_signed(ADDRESS)
    (folder / "tls.crt").write_bytes(made)
    (folder / "tls.key").write_bytes(key)
    return made

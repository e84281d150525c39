"""Ports of the loopback address: which are free, and what to say when one is not."""

import socket
from collections.abc import Mapping

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def require_free(ports: Mapping[str, int]) -> None:
    """Make sure that nobody listens on any of the ports, given by the option of `lepton up` that changes each.

    Raises LeptonError PORT_BUSY, which names the port and the option.
    """
    for option, port in ports.items():
        try:
            # a port whose connections are still closing may be used again, as Triton does
            with socket.create_server(("127.0.0.1", port)):
                pass
        except OSError as error:
            message = (
                f"port {port} is taken by another program: stop it, or choose another with `lepton up {option} PORT`"
            )
            raise LeptonError(Reason.PORT_BUSY, message) from error

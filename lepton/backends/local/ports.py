"""Ports of the loopback address: which are free, and what to say when one is not."""

import os
import socket
import time
from collections.abc import Mapping

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason

_PATIENCE_S = 3.0
"""A process that was killed a moment ago may still hold its ports for a moment."""
_POLL_S = 0.05


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def require_free(ports: Mapping[str, int]) -> None:
    """Make sure that nobody listens on any of the ports, given by the option of `lepton up` that changes each.

    Raises LeptonError PORT_BUSY, which names the port and the option.
    """
    deadline = time.monotonic() + _PATIENCE_S
    for option, port in ports.items():
        while (error := _taken(port)) is not None:
            if time.monotonic() > deadline:
                what = (
                    f"port {port} can't be listened on ({os.strerror(error.errno or 0)}): stop the program that uses it"
                )
                raise LeptonError(
                    Reason.PORT_BUSY, f"{what}, or choose another with `lepton up {option} PORT`"
                ) from error
            time.sleep(_POLL_S)


def _taken(port: int) -> OSError | None:
    try:
        # unlike a busy one, a port whose connections are still closing may be used again, as Triton does
        with socket.create_server(("127.0.0.1", port)):
            return None
    except OSError as error:
        return error

"""Why a container of ours ended: its termination message, a Failure in JSON, which the operator reads from the pod."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from lepton.errors import LeptonError
from lepton.report import Failure

LAST_WORDS = Path(os.environ.get("LEPTON_LAST_WORDS", "/dev/termination-log"))
_MOST_BYTES = 4096
"""Of a longer message the kubelet keeps the end alone, which is no JSON."""


def done(work: Callable[[], None]) -> int:
    """Do all that a container is for. Returns its exit status; why it failed is told and left."""
    try:
        work()
    except LeptonError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - the container's log
        tell(error)
        return 1
    return 0


def served(serve: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Serve until SIGTERM or SIGINT sets the event. Returns the exit status; why it failed is told and left."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    return asyncio.run(_served(serve))


async def _served(serve: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await serve(stop)
    except LeptonError as error:
        logging.getLogger("lepton").error("%s", error.message)
        tell(error)
        return 1
    return 0


def tell(error: LeptonError) -> None:
    """Leave a failure where Kubernetes finds it; of a long message, such as one with a server's log, both ends."""
    message, kept = error.message, _MOST_BYTES
    while len(words := Failure(reason=error.reason, message=message).model_dump_json().encode()) > _MOST_BYTES:
        kept //= 2
        message = f"{error.message[: kept // 2]} ... {error.message[-kept // 2 :]}"
    LAST_WORDS.write_bytes(words)

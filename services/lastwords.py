"""Why a container of ours ended: its termination message, a Failure in JSON, which the operator reads from the pod."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from lepton.errors import LeptonError
from lepton.report import Failure

LAST_WORDS = Path(os.environ.get("LEPTON_LAST_WORDS", "/dev/termination-log"))


def done(work: Callable[[], None]) -> int:
    """Do all that a container is for. Returns its exit status; why it failed is told and left."""
    try:
        work()
    except LeptonError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - the container's log
        tell(error)
        return 1
    return 0


def tell(error: LeptonError) -> None:
    """Leave a failure where Kubernetes finds it."""
    LAST_WORDS.write_text(Failure(reason=error.reason, message=error.message).model_dump_json())

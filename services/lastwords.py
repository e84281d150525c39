"""Why a container of ours ended: its termination message, a Failure in JSON, which the operator reads from the pod."""

import os
from pathlib import Path

from lepton.errors import LeptonError
from lepton.report import Failure

LAST_WORDS = Path(os.environ.get("LEPTON_LAST_WORDS", "/dev/termination-log"))


def tell(error: LeptonError) -> None:
    """Leave a failure where Kubernetes finds it."""
    LAST_WORDS.write_text(Failure(reason=error.reason, message=error.message).model_dump_json())

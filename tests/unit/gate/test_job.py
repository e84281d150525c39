"""The gate job before it measures anything."""

from pathlib import Path

import pytest

from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.spec.reasons import Reason
from services.worker.gate import prove_candidate
from services.worker.progress import Reporter

END = {"http": "http://127.0.0.1:9", "grpc": "127.0.0.1:9", "model": "pets"}


def test_a_proof_that_was_ordered_while_the_server_was_down_is_tried_again(tmp_path: Path) -> None:
    arguments = {
        "artifact": str(tmp_path / "artifact"),
        "gate": {},
        "server_pid": None,
        **dict.fromkeys(("candidate", "baseline"), END),
    }
    order = JobOrder(name="digits-gate-0", kind="gate", model="digits", revision=1, attempt=0, arguments=arguments)
    with pytest.raises(LeptonError) as failure:
        prove_candidate(order, Reporter(JobDirectory(tmp_path)))
    assert failure.value.reason is Reason.SERVER_UNAVAILABLE

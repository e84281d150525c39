"""The gate job: proves the loaded candidate on held-out data through its live endpoint.

The proof lies beside the artifact as `gate.json`; the digest does not cover it, since it is written afterwards.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from lepton.artifact import add, fetch
from lepton.errors import LeptonError
from lepton.gate.cost import clock_of_pod, clock_of_process
from lepton.gate.run import Ends, prove
from lepton.jobdir import JobOrder
from lepton.report import GateReport, Progress, Summary
from lepton.spec.gate import Gate
from lepton.spec.reasons import Reason
from lepton.spec.status import EndpointAddress
from services.worker.progress import Reporter


def prove_candidate(order: JobOrder, reporter: Reporter) -> Summary:
    """Measure candidate and baseline side by side and judge. Raises LeptonError."""
    arguments = order.arguments
    artifact = cast(str, arguments["artifact"])
    ends = _ends(arguments)
    reporter.say(Progress(stage="gate", message="fetching the artifact"))
    with tempfile.TemporaryDirectory(prefix="lepton-gate-") as cache:
        proof = prove(
            ends, fetch(artifact, Path(cache)), Gate.model_validate(arguments["gate"]), order.revision, reporter.say
        )
    add(artifact, "gate.json", f"{proof.model_dump_json(by_alias=True, indent=2)}\n".encode())
    reporter.end_stage()
    return Summary(
        artifact=artifact,
        digest=proof.digest,
        metrics=_metrics(proof),
        checks=proof.checks,
        stage_seconds=reporter.stage_seconds,
    )


def _ends(arguments: Mapping[str, JsonValue]) -> Ends:
    """Candidate and baseline: models of one server here, or each in a pod of its own that tells what it spends."""
    candidate, baseline = (EndpointAddress.model_validate(arguments[end]) for end in ("candidate", "baseline"))
    if "meters" in arguments:
        meters = cast(dict[str, str], arguments["meters"])
        clocks = clock_of_pod(meters["candidate"]), clock_of_pod(meters["baseline"])
        return Ends(candidate, baseline, *clocks, here=False)
    server_pid = cast(int | None, arguments["server_pid"])
    if server_pid is None:
        message = "Triton was not up when the proof was ordered: the proof is tried again by itself"
        raise LeptonError(Reason.SERVER_UNAVAILABLE, message)
    clock = clock_of_process(server_pid)
    return Ends(candidate, baseline, clock, clock)


def _metrics(proof: GateReport) -> dict[str, float]:
    candidate, before = proof.candidate, proof.uncompressed
    return {
        "accuracy": candidate.evaluation.accuracy.value,
        "macroF1": candidate.evaluation.macro_f1.value,
        "accuracyBefore": before.evaluation.accuracy.value,
        "agreement": proof.agreement,
        "sizeBytes": float(candidate.size_bytes),
        "sizeBytesBefore": float(before.size_bytes),
        "p50Ms": candidate.http.p50_ms,
        "p99Ms": candidate.http.p99_ms,
        "grpcP50Ms": candidate.grpc.p50_ms,
        "grpcP99Ms": candidate.grpc.p99_ms,
        "cpuSecondsPer1000": candidate.cpu_seconds_per_1000,
    }

"""The gate job: proves the loaded candidate on held-out data through its live endpoint.

The proof lies beside the artifact as `gate.json`; the digest does not cover it, since it is written afterwards.
"""

import tempfile
from pathlib import Path
from typing import cast

import fsspec
from pydantic import JsonValue

from lepton.artifact import fetch
from lepton.gate.run import prove
from lepton.jobdir import JobOrder
from lepton.report import GateReport, Progress, Summary
from lepton.spec.gate import Gate
from lepton.spec.status import EndpointAddress
from services.worker.progress import Reporter


def prove_candidate(order: JobOrder, reporter: Reporter) -> Summary:
    """Measure candidate and baseline side by side and judge. Raises LeptonError."""
    arguments = order.arguments
    artifact = cast(str, arguments["artifact"])
    reporter.say(Progress(stage="gate", message="fetching the artifact"))
    with tempfile.TemporaryDirectory(prefix="lepton-gate-") as cache:
        proof = prove(
            candidate=_address(arguments["candidate"]),
            baseline=_address(arguments["baseline"]),
            artifact=fetch(artifact, Path(cache)),
            gate=Gate.model_validate(arguments["gate"]),
            revision=order.revision,
            server_pid=cast(int, arguments["server_pid"]),
            say=reporter.say,
        )
    with fsspec.open(f"{artifact}/gate.json", "w") as file:
        file.write(proof.model_dump_json(by_alias=True, indent=2) + "\n")
    reporter.end_stage()
    return Summary(
        artifact=artifact,
        digest=proof.digest,
        metrics=_metrics(proof),
        checks=proof.checks,
        stage_seconds=reporter.stage_seconds,
    )


def _address(argument: JsonValue) -> EndpointAddress:
    return EndpointAddress.model_validate(argument)


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

"""The proof of a candidate at its live endpoint: held-out examples from raw bytes to label, over HTTP and gRPC.

The gate job calls it once candidate and baseline (the uncompressed model) are loaded, at no traffic. It measures;
lepton.gate.checks judge. It never loads torch and never changes what is served.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lepton.artifact import read_digest
from lepton.evaluate.run import evaluate
from lepton.gate.checks.measured import Measured
from lepton.gate.checks.registry import check_all
from lepton.gate.cost import RAPL, Ask, Cost, CpuClock, costs, latencies
from lepton.gate.holdout import Holdout, decoded, read_holdout
from lepton.gate.probe import Answers, Probe, ask_all, model_config
from lepton.report import Endpoint, GateReport, Latency, Progress, Report, Say
from lepton.spec.fields import timestamp
from lepton.spec.gate import Gate
from lepton.spec.status import EndpointAddress, Protocol

Tensors = npt.NDArray[np.uint8]

PROTOCOLS: tuple[Protocol, Protocol] = ("http", "grpc")
BATCH = 16
"""Images in one request of the held-out set, at most what the model takes."""
TENSORS = 64
"""Held-out images that are also sent as decoded tensors, and with which time and cost are measured."""
ROUNDING = 1e-3
"""Two answers whose probabilities differ by less are the same answer: a batch of another size rounds otherwise."""


@dataclass(frozen=True)
class Ends:
    """What is compared: where candidate and baseline answer, and what tells the CPU time of their servers."""

    candidate: EndpointAddress
    baseline: EndpointAddress
    candidate_clock: CpuClock
    baseline_clock: CpuClock
    here: bool = True
    """Whether they run on this machine, whose energy can then be counted."""


@dataclass(frozen=True)
class _Expense:
    latency: dict[Protocol, Latency]
    cost: Cost


def prove(ends: Ends, artifact: Path, gate: Gate, revision: int, say: Say) -> GateReport:
    """Measure both endpoints on the held-out set of the artifact, a local folder, and check every budget.

    Raises LeptonError: SERVER_UNAVAILABLE when an endpoint does not answer, ARTIFACT_CORRUPT.
    """
    measured, agreement = _measure(ends, artifact, say)
    _say(say, 0.9, "checking the budgets")
    return GateReport(
        revision=revision,
        digest=measured.digest,
        uncompressed=measured.uncompressed,
        candidate=measured.candidate,
        agreement=agreement,
        checks=check_all(measured, gate),
        created=timestamp(time.time()),
    )


def _measure(ends: Ends, artifact: Path, say: Say) -> tuple[Measured, float]:
    """All that the checks judge, and the percentage of held-out examples to which both endpoints give one label."""
    report = Report.model_validate_json((artifact / "report.json").read_bytes())
    holdout = read_holdout(artifact / "holdout.zip")
    config = model_config(ends.candidate)
    batch = min(BATCH, int(config["max_batch_size"]))
    _say(say, 0.0, f"{len(holdout.images)} held-out images to the candidate, over HTTP and gRPC")
    over_http, over_grpc = (ask_all(ends.candidate, protocol, holdout.images, batch) for protocol in PROTOCOLS)
    _say(say, 0.4, "the same to the uncompressed model")
    before = ask_all(ends.baseline, "http", holdout.images, batch)
    tensors = decoded(artifact / "repository" / "model" / "1", holdout.images[:TENSORS])
    differing = (
        _differing(over_http, over_grpc)
        | _differing_as_tensors(ends.candidate, tensors, over_http)
        | _mislabelled(over_http, report.classes)
    )
    _say(say, 0.6, "measuring time and energy")
    expense = _expenses(ends, tensors)
    measured = Measured(
        candidate=_endpoint(report.served, artifact / "repository", over_http, holdout, report, expense["candidate"]),
        uncompressed=_endpoint("uncompressed", artifact / "baseline", before, holdout, report, expense["baseline"]),
        digest=read_digest(artifact),
        loaded_digest=config.get("parameters", {}).get("digest", {}).get("string_value", "files without a digest"),
        protocol_differences=len(differing),
    )
    return measured, 100 * float(np.mean(over_http.labels == before.labels))


def _say(say: Say, fraction: float, message: str) -> None:
    say(Progress(stage="gate", fraction=fraction, message=message))


def _endpoint(
    variant: str, repository: Path, answers: Answers, holdout: Holdout, report: Report, expense: _Expense
) -> Endpoint:
    return Endpoint(
        variant=variant,
        evaluation=evaluate(answers.probabilities, holdout.labels, report.classes),
        http=expense.latency["http"],
        grpc=expense.latency["grpc"],
        cpu_seconds_per_1000=expense.cost.cpu_seconds,
        joules_per_1000=expense.cost.joules,
        size_bytes=(repository / "model" / "1" / "model.onnx").stat().st_size,
    )


def _differing(one: Answers, other: Answers) -> set[int]:
    """The examples that got another label, not counting draws that rounding decided."""
    apart = np.abs(one.probabilities - other.probabilities).max(axis=1) > ROUNDING
    return set(np.flatnonzero((one.labels != other.labels) & apart).tolist())


def _mislabelled(answers: Answers, classes: Sequence[str]) -> set[int]:
    """The examples whose label is not that of the likeliest class."""
    likeliest = np.array([name.encode() for name in classes], np.object_)[answers.probabilities.argmax(axis=1)]
    return set(np.flatnonzero(answers.labels != likeliest).tolist())


def _differing_as_tensors(address: EndpointAddress, tensors: Tensors, from_bytes: Answers) -> set[int]:
    """The examples that got another label as decoded tensors, over either protocol, than as encoded images."""
    differing: set[int] = set()
    for protocol in PROTOCOLS:
        with closing(Probe(address, protocol)) as probe:
            for place, tensor in enumerate(tensors):
                answer = probe.answers("image", tensor[None])
                same_image = Answers(from_bytes.labels[place : place + 1], from_bytes.probabilities[place : place + 1])
                differing |= {place for _ in _differing(answer, same_image)}
    return differing


def _expenses(ends: Ends, tensors: Tensors) -> dict[str, _Expense]:
    """Time and cost of one decoded tensor in, label and probability out, for both endpoints in turns."""
    addresses = {"candidate": ends.candidate, "baseline": ends.baseline}
    clocks = {"candidate": ends.candidate_clock, "baseline": ends.baseline_clock}
    with ExitStack() as stack:
        asks = {
            (name, protocol): _asker(stack.enter_context(closing(Probe(address, protocol))), tensors)
            for protocol in PROTOCOLS
            for name, address in addresses.items()
        }
        latency = latencies(asks)
        cost = costs({name: asks[name, "http"] for name in addresses}, clocks, RAPL if ends.here else None)
    return {
        name: _Expense({protocol: latency[name, protocol] for protocol in PROTOCOLS}, cost[name]) for name in addresses
    }


def _asker(probe: Probe, tensors: Tensors) -> Ask:
    return lambda number: probe.ask("image", tensors[number % len(tensors)][None], ("label", "probability"))

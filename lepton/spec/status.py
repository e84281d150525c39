"""What Lepton reports about a LeptonModel. Written only by the control loop, and only when it differs."""

from typing import Literal

from lepton.spec.fields import Section
from lepton.spec.reasons import ConditionType, Phase, Reason


class Condition(Section):
    """One fact about the model, with its reason and a sentence for a person."""

    type: ConditionType
    """What the condition is about."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Reason
    """Why, in one word that scripts may rely on."""
    message: str = ""
    """Why, in a sentence that says what to do."""
    last_transition_time: str
    """When the status last changed (RFC 3339, UTC)."""


Protocol = Literal["http", "grpc"]
"""How the Open Inference Protocol v2 is spoken."""


class EndpointAddress(Section):
    """Where the model answers."""

    http: str
    """Base address of the Open Inference Protocol v2 over HTTP."""
    grpc: str
    """host:port of the Open Inference Protocol v2 over gRPC."""
    model: str
    """Name of the model in both protocols."""

    def host(self, protocol: Protocol) -> str:
        """host:port of the protocol, as Triton's clients take it."""
        return self.grpc if protocol == "grpc" else self.http.removeprefix("http://").rstrip("/")


class Serving(Section):
    """What the traffic goes to; the condition Serving says whether it answers."""

    revision: int
    """Number of the revision."""
    digest: str
    """sha256 over the whole artifact, as the server verified it."""
    accuracy: float | None = None
    """Percent, measured at the endpoint on held-out data."""
    size_bytes: int | None = None
    """Size of the model file."""
    p50_ms: float | None = None
    """Median milliseconds of an answer over HTTP, one client, measured at the gate."""


Stage = Literal["data", "train", "compress", "package", "load", "gate"]
"""What a revision goes through before it serves, in order."""


class Candidate(Section):
    """What is being built or proved."""

    revision: int
    """Number of the revision."""
    stage: Stage
    """What it goes through now."""
    progress: float = 0.0
    """Share of the stage that is done, 0 to 1."""
    message: str = ""
    """What happens now, such as `epoch 12 of 20, accuracy 90.8`."""
    seconds_left: float | None = None
    """Estimated seconds until the stage ends."""


class RevisionRecord(Section):
    """One decision to build, and what came of it. Numbers are never reused."""

    number: int
    """1, 2, 3, ... in the order of the decisions."""
    name: str
    """Deterministic name, `<model>-build-<hash of the inputs>`."""
    cause: str
    """Why it was built: spec, data, drift, schedule or a person."""
    created: str
    """When it was decided (RFC 3339, UTC)."""
    outcome: Literal["Building", "Gating", "Passed", "Failed", "Superseded"] = "Building"
    """What came of it; superseded when another was wanted before it was proved."""
    message: str = ""
    """Why it failed, where it did."""
    artifact: str | None = None
    """URL of the artifact directory."""
    digest: str | None = None
    """sha256 over the artifact."""
    instances: int = 1
    """Copies of the model that it is served with."""
    gate: str | None = None
    """Name of the gate job whose verdict the outcome is."""
    metrics: dict[str, float] = {}
    """Accuracy, size and latency as measured at the gate."""


class Status(Section):
    """The observed state of a LeptonModel."""

    phase: Phase = Phase.PENDING
    """The first stage that is not done."""
    observed_generation: int = 0
    """Generation of the spec that this status speaks of."""
    conditions: tuple[Condition, ...] = ()
    """One of each type, in the order in which they come true."""
    endpoint: EndpointAddress | None = None
    """Where the model answers."""
    serving: Serving | None = None
    """What the traffic goes to; the condition Serving says whether it answers."""
    candidate: Candidate | None = None
    """What is being built or proved."""
    revisions: tuple[RevisionRecord, ...] = ()
    """The last ten revisions, newest first."""

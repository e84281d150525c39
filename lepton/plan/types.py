"""What a backend observes and what a plan desires: neutral values that each backend renders in its own way.

Nothing here does I/O, reads a clock or draws a random number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import JsonValue

from lepton.report import Failure, JobKind, Progress, Summary
from lepton.spec.deploy import Deploy
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import RETRIED_AT, LeptonModel, Spec
from lepton.spec.status import Candidate, EndpointAddress, RevisionRecord, Status


class Key(NamedTuple):
    """Which LeptonModel."""

    namespace: str
    name: str


class Ref(NamedTuple):
    """The identity of something that Lepton owns at a backend."""

    kind: Literal["Job", "Endpoint", "Traffic"]
    name: str


@dataclass(frozen=True)
class Job:
    """A run to completion: a build, or the proof of a candidate. The name says it all: it is a hash of the inputs."""

    name: str
    kind: JobKind
    model: str
    revision: int
    arguments: Mapping[str, JsonValue]
    """Arguments of the entry point (see services/worker)."""
    cpus: float
    attempt: int = 0
    """How often this job failed for a reason that another try may mend; a higher number replaces the failed run."""

    @property
    def ref(self) -> Ref:
        """The identity of this object."""
        return Ref("Job", self.name)


@dataclass(frozen=True)
class Endpoint:
    """A revision that is loaded and answers under its own name, at no traffic."""

    name: str
    model: str
    revision: int
    variant: Literal["served", "baseline"]
    """Which model of the artifact: the compressed one, or the uncompressed one that it is measured against."""
    artifact: str
    digest: str
    instances: int
    deploy: Deploy = field(default_factory=Deploy)
    """How the spec at hand wants it served, whichever revision this is; of replicas there is one."""

    @property
    def ref(self) -> Ref:
        """The identity of this object."""
        return Ref("Endpoint", self.name)


@dataclass(frozen=True)
class Traffic:
    """The name that users call, and the revision that answers. Changing it is atomic: no request is lost."""

    model: str
    revision: int
    artifact: str
    digest: str
    instances: int
    deploy: Deploy = field(default_factory=Deploy)
    """How the spec at hand wants it served, whichever revision this is."""

    @property
    def ref(self) -> Ref:
        """The identity of this object."""
        return Ref("Traffic", self.model)


Desired = Job | Endpoint | Traffic


@dataclass(frozen=True)
class JobState:
    """What is known of a job."""

    phase: Literal["Pending", "Running", "Succeeded", "Failed"]
    attempt: int = 0
    progress: Progress | None = None
    summary: Summary | None = None
    """Present when it succeeded."""
    failure: Failure | None = None
    """Present when it failed."""
    finished_at: float | None = None
    """Seconds since the epoch."""
    trouble: Failure | None = None
    """What keeps it from getting on, though it has not failed."""
    waits_for: str = ""
    """What must be there before it begins, and where a person can see to that; empty where it only needs time."""


@dataclass(frozen=True)
class EndpointState:
    """What is known of a loaded revision, or of what the traffic goes to."""

    ready: bool
    digest: str | None = None
    """What the server itself verified when it loaded the files."""
    failure: Failure | None = None
    """Why it could not be loaded."""
    waits_for: str = ""
    """Who else must act before it is ready, and what a person can see to; empty where it only needs time."""


@dataclass(frozen=True)
class Observed:
    """Everything that a decision may depend on, gathered in one pass."""

    model: LeptonModel
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointState] = field(default_factory=dict)
    traffic: EndpointState | None = None
    """What the user-facing name answers with now; its digest tells the revision."""
    address: EndpointAddress | None = None
    """Where the user-facing name answers."""
    owned: frozenset[Ref] = frozenset()
    """All that exists at the backend for this model."""


@dataclass(frozen=True)
class Fact:
    """What one condition says now, before it is known since when it says so."""

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    """Unknown is on its way, False needs somebody's attention or another try."""
    reason: Reason
    message: str


@dataclass(frozen=True)
class Situation:
    """What every step decides upon: what was observed, when, and which revision shall serve."""

    observed: Observed
    now: float
    """Seconds since the epoch."""
    target: RevisionRecord | None
    """The revision that shall serve; None where there is none, for the reason that `trouble` gives."""
    incumbent: RevisionRecord | None
    """The revision that was last seen to have the traffic; None before the first."""
    fallback: RevisionRecord | None = None
    """What shall serve while the target can't: the incumbent, or where the traffic was sent and not yet seen to be."""
    trouble: Fact | None = None
    """Why there is no target."""
    reached: bool = True
    """Whether all earlier stages are done."""

    @property
    def spec(self) -> Spec:
        """What the user wants."""
        return self.observed.model.spec

    @property
    def pinned(self) -> bool:
        """Whether the target was chosen by number: then a passed gate counts for ever."""
        return self.spec.revision is not None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.observed.model.metadata.name

    @property
    def retried_at(self) -> float | None:
        """When a person last asked for another try, in seconds since the epoch; None for never."""
        asked = self.observed.model.metadata.annotations.get(RETRIED_AT, "")
        try:
            return datetime.fromisoformat(asked).timestamp()
        except ValueError:
            return None


@dataclass(frozen=True)
class Step:
    """What one stage contributes: what it wants to exist, what it knows, and whether the next stage may begin."""

    phase: Phase
    """What the model is in while this is the first stage that is not done."""
    facts: tuple[Fact, ...]
    """The stage's own conditions."""
    target: RevisionRecord | None
    """The target with what this stage learnt of it."""
    cause: Fact | None = None
    """Why the stage is not done; None when it is."""
    desired: tuple[Desired, ...] = ()
    keep: frozenset[Ref] = frozenset()
    candidate: Candidate | None = None
    """How far the stage is, while it is at work."""
    given_up: bool = False
    """Whether nothing more is tried until the spec changes or a person asks for it."""
    recheck_s: float | None = None
    """See Plan."""
    poll_s: float | None = None
    """See Plan."""

    @property
    def done(self) -> bool:
        """Whether the next stage may begin."""
        return self.cause is None


@dataclass(frozen=True)
class Plan:
    """The whole decision of one pass."""

    status: Status
    desired: tuple[Desired, ...] = ()
    """What must exist as said here, in the order in which it is applied."""
    keep: frozenset[Ref] = frozenset()
    """What must stay as it is if it exists, such as the builds of remembered revisions."""
    forget: bool = False
    """Whether the resource itself may go: it is being deleted and nothing is left of it."""
    recheck_s: float | None = None
    """The decision changes by time alone after so many seconds; None where it does not."""
    poll_s: float | None = None
    """How often to look for what has changed, where a backend is not told of changes; None for never."""

    @property
    def refs(self) -> frozenset[Ref]:
        """The identities of all that may exist; what is owned beyond it goes."""
        return self.keep | {desired.ref for desired in self.desired}

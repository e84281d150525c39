"""What a backend observes and what a plan desires: neutral values that each backend renders in its own way.

Nothing here does I/O, reads a clock or draws a random number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lepton.report import Failure, Progress, Summary
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress, Status

JobKind = Literal["build", "gate"]


@dataclass(frozen=True)
class Ref:
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
    arguments: Mapping[str, object]
    """JSON-able arguments of the entry point (see services/worker)."""
    cpus: float
    gpus: int
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


@dataclass(frozen=True)
class EndpointState:
    """What is known of a loaded revision, or of what the traffic goes to."""

    ready: bool
    digest: str | None = None
    """What the server itself verified when it loaded the files."""
    failure: Failure | None = None
    """Why it could not be loaded."""


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
class Step:
    """What one stage contributes: what it wants to exist, what it knows, and whether the next stage may begin."""

    status: Status
    desired: tuple[Desired, ...] = ()
    done: bool = False
    recheck_s: float | None = None


@dataclass(frozen=True)
class Plan:
    """The whole decision of one pass."""

    status: Status
    desired: tuple[Desired, ...]
    recheck_s: float | None = None
    """Look again after so many seconds, even if nothing changes; None means only on a change."""

    @property
    def refs(self) -> frozenset[Ref]:
        """The identities of all that must exist; what is owned beyond it goes."""
        return frozenset(desired.ref for desired in self.desired)

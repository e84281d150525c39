"""A model's life in virtual time: events of the world on the memory backend, and one object that tells the outcome."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from lepton.backends.memory import MemoryBackend, World
from lepton.plan.types import Key, Ref
from lepton.reconcile import reconcile
from lepton.report import CheckResult, Failure, Progress, Summary
from lepton.spec.reasons import Phase, Reason
from lepton.spec.resource import Spec
from lepton.spec.status import Status

T = TypeVar("T")
KEY = Key("default", "digits")
START = 1_760_000_000.0
CRASH = Failure(reason=Reason.JOB_FAILED, message="the process was killed", stage="train")
NO_DATA = Failure(reason=Reason.DATA_NOT_FOUND, message="data.uri: nothing at s3://x", stage="data")
FULL = Failure(reason=Reason.DISK_FULL, message="no space left", stage="package")
NO_SERVER = Failure(reason=Reason.SERVER_UNAVAILABLE, message="Triton does not start")
CORRUPT = Failure(reason=Reason.ARTIFACT_CORRUPT, message="model.onnx differs from its digest")
TOO_LOW = "accuracy is 91 %, at least 99 % asked: lower gate.minAccuracy"


def now_or_never(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of work that never waits, as nothing in memory does: no event loop is needed."""
    try:
        work.send(None)
    except StopIteration as done:
        outcome: T = done.value
        return outcome
    raise AssertionError("it waited")


def spec(**changes: object) -> Spec:
    """A small spec; `changes` replace its sections."""
    return Spec.model_validate({"task": "image-classification", "data": {"uri": "sklearn://digits"}, **changes})


def edited(epochs: int, **changes: object) -> Spec:
    """A spec that needs a build of its own."""
    return spec(train={"epochs": epochs}, **changes)


def verdict(passed: bool) -> Summary:
    """What a gate job says."""
    check = CheckResult(name="minAccuracy", measured=91.0, allowed=99.0, passed=passed, message=TOO_LOW)
    return Summary(artifact="a", digest="d", metrics={"accuracy": 91.0, "p50Ms": 0.5}, checks=(check,))


@dataclass(frozen=True)
class View:
    """All that a user or another stage can tell, without hashes and times."""

    phase: Phase
    serving: int | None
    """Revision in status.serving."""
    answers: int | None
    """Revision that really answers."""
    candidate: tuple[int, str] | None
    revisions: dict[int, str]
    conditions: str
    """`DataReady+ Trained? GatePassed-BudgetNotMet ...`: + true, ? unknown, - false."""
    owned: str
    """`build1 gate1 candidate2 baseline2 traffic1`, sorted."""


@dataclass
class Life:
    """The model `digits`, its world, and a clock that only moves when told."""

    now: float = START
    backend: MemoryBackend = field(init=False)

    def __post_init__(self) -> None:
        self.backend = MemoryBackend(lambda: self.now)

    @property
    def world(self) -> World:
        return self.backend.worlds[KEY]

    @property
    def status(self) -> Status:
        return self.world.model.status

    def one_pass(self) -> float | None:
        return now_or_never(reconcile(KEY, self.backend, self.backend.clock))

    def apply(self, wanted: Spec) -> Self:
        """A user's edit, and time for it to show."""
        self.backend.put(KEY, wanted)
        return self.settle()

    def settle(self) -> Self:
        """Passes until nothing changes."""
        for _ in range(4):
            self.one_pass()
        return self

    def wait(self, seconds: float) -> Self:
        self.now += seconds
        return self.settle()

    def build_runs(self, stage: str = "train") -> Self:
        self.backend.run_job(
            self.open_job(), Progress.model_validate({"stage": stage, "message": f"{stage} is at work"})
        )
        return self.settle()

    def builds(self) -> Self:
        """The open build succeeds."""
        name = self.open_job()
        self.backend.finish_job(name, Summary(artifact=f"memory://{name}", digest=f"sha256:{name}"))
        return self.settle()

    def fails(self, failure: Failure | None) -> Self:
        """The open job fails."""
        self.backend.fail_job(self.open_job(), failure)
        return self.settle()

    def fails_often(self, failure: Failure, times: int) -> Self:
        """The open job fails again and again, with time enough in between."""
        for _ in range(times):
            self.fails(failure).wait(400)
        return self

    def cant_load(self, failure: Failure) -> Self:
        for name in self.world.endpoints:
            self.backend.fail_load(name, failure)
        return self.settle()

    def loads(self) -> Self:
        """The candidate and the baseline answer."""
        for name in self.world.endpoints:
            self.backend.load(name)
        return self.settle()

    def judged(self, passed: bool = True) -> Self:
        """The gate job ends."""
        self.backend.finish_job(self.open_job(), verdict(passed))
        return self.settle()

    def switches(self) -> Self:
        self.backend.switch(KEY)
        return self.settle()

    def cant_switch(self, failure: Failure) -> Self:
        self.backend.fail_switch(KEY, failure)
        return self.settle()

    def loses_server(self) -> Self:
        self.backend.lose_server()
        return self

    def serves(self, wanted: Spec) -> Self:
        """Everything goes well until the spec serves."""
        self.apply(wanted)
        self.builds()
        self.proved()
        self.switches()
        return self

    def proved(self, passed: bool = True) -> Self:
        self.loads()
        self.judged(passed)
        return self

    def open_job(self) -> str:
        """The one job that has not ended."""
        (name,) = (name for name, (_, state) in self.world.jobs.items() if state.phase in ("Pending", "Running"))
        return name

    def view(self) -> View:
        status = self.status
        return View(
            phase=status.phase,
            serving=status.serving.revision if status.serving is not None else None,
            answers=self._answers(),
            candidate=(status.candidate.revision, status.candidate.stage) if status.candidate is not None else None,
            revisions={record.number: record.outcome for record in status.revisions},
            conditions=" ".join(_mark(c.type, c.status, c.reason) for c in status.conditions),
            owned=" ".join(sorted(self._short(ref) for ref in self._owned())),
        )

    def _answers(self) -> int | None:
        state = self.world.traffic
        if state is None or not state.ready:
            return None
        return next(record.number for record in self.status.revisions if record.digest == state.digest)

    def _owned(self) -> frozenset[Ref]:
        observed = now_or_never(self.backend.observe(KEY))
        assert observed is not None
        return observed.owned

    def _short(self, ref: Ref) -> str:
        if ref.kind == "Traffic":
            assert self.world.wanted is not None
            return f"traffic{self.world.wanted.revision}"
        revision = (self.world.jobs.get(ref.name) or self.world.endpoints[ref.name])[0].revision
        return f"{ref.name.split('-')[1]}{revision}"


def _mark(kind: str, status: str, reason: str) -> str:
    if status == "True":
        return f"{kind}+"
    usual = {"Pending", "InProgress"} if status == "Unknown" else set()
    return f"{kind}{'?' if status == 'Unknown' else '-'}{'' if reason in usual else reason}"

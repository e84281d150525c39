"""What holds of every plan, whatever happens in whatever order: tried with random lives on the memory backend."""

import contextlib
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from lepton.plan.fold import make_plan
from lepton.plan.revision import build_name
from lepton.plan.types import Observed, Ref
from lepton.reconcile import Backend, reconcile
from lepton.report import BuildStage, Progress, Summary
from lepton.spec.reasons import Phase
from lepton.spec.resource import Spec
from tests.unit.plan.life import CORRUPT, CRASH, FULL, KEY, NO_DATA, Life, edited, now_or_never, verdict

SPECS = [edited(epochs, gate={"minAccuracy": gate}) for epochs in (1, 2, 3) for gate in (90, 99)]
STAGES: tuple[BuildStage, ...] = ("data", "train", "compress", "package")
WHOLE = edited(99)
"""A spec that no random life has tried."""


class KilledError(Exception):
    """The process died between two calls of the backend."""


@dataclass
class Mortal:
    """The backend as a process sees it that dies after some calls."""

    backend: Backend
    calls: int

    def __getattr__(self, name: str) -> Callable[..., object]:
        if self.calls <= 0:
            raise KilledError
        self.calls -= 1
        method: Callable[..., object] = getattr(self.backend, name)
        return method


@dataclass
class RandomLife(Life):
    """A life whose events come by chance, and what must never happen in it."""

    worthy: set[str] = field(default_factory=set)
    """Digests that have passed a gate."""
    built: set[str] = field(default_factory=set)
    """Builds that succeeded."""
    served: bool = False

    def happen(self, event: str, choice: int) -> None:
        getattr(self, f"on_{event}")(choice)
        self.check()

    def check(self) -> None:
        state, wanted = self.world.traffic, self.world.wanted
        if state is not None and state.ready:
            assert state.digest in self.worthy, "what was not proved must never answer"
            self.served = True
        if self.served:
            assert wanted is not None, "once something serves, something is always wanted"
            assert Ref("Job", f"digits-build-{wanted.digest.rpartition('-')[2]}").name in self.world.jobs

    def on_edit(self, choice: int) -> None:
        self.backend.put(KEY, SPECS[choice % len(SPECS)])

    def on_suspend(self, choice: int) -> None:
        changed = {"suspend": not self.world.model.spec.suspend}
        self.backend.put(KEY, self.world.model.spec.model_copy(update=changed))

    def on_pin(self, choice: int) -> None:
        pin = None if choice % 3 == 0 else choice % 5 + 1
        self.backend.put(KEY, self.world.model.spec.model_copy(update={"revision": pin}))

    def on_pass(self, choice: int) -> None:
        self.one_pass()

    def on_crash(self, choice: int) -> None:
        """A pass that is cut short."""
        mortal = cast(Backend, Mortal(self.backend, choice % 8))
        with contextlib.suppress(KilledError):
            now_or_never(reconcile(KEY, mortal, self.backend.clock))

    def on_time(self, choice: int) -> None:
        self.now += [0.4, 3.0, 400.0][choice % 3]

    def on_run(self, choice: int) -> None:
        stage = STAGES[choice % 4]
        for name in self._open(choice):
            self.backend.run_job(name, Progress(stage=stage))

    def on_succeed(self, choice: int) -> None:
        for name in self._open(choice):
            job, _ = self.world.jobs[name]
            if job.kind == "gate":
                passed = choice % 3 > 0
                self.backend.finish_job(name, verdict(passed))
                self.worthy |= {str(job.arguments["digest"])} if passed else set()
            else:
                assert name not in self.built, "nothing is trained twice"
                self.built.add(name)
                self.backend.finish_job(name, Summary(artifact=f"memory://{name}", digest=f"sha256:{name}"))

    def on_fail(self, choice: int) -> None:
        for name in self._open(choice):
            self.backend.fail_job(name, (CRASH, NO_DATA, FULL, None)[choice % 4])

    def on_load(self, choice: int) -> None:
        for name in self.world.endpoints:
            self.backend.load(name) if choice % 4 else self.backend.fail_load(name, CORRUPT)

    def on_switch(self, choice: int) -> None:
        if self.world.wanted is not None:
            self.backend.switch(KEY) if choice % 4 else self.backend.fail_switch(KEY, CORRUPT)

    def on_progress(self, choice: int) -> None:
        """Whatever waits goes well, and passes follow."""
        for _ in range(choice % 4 + 1):
            self.settle()
            self.on_succeed(1)
            self.on_load(1)
            self.on_switch(1)

    def on_lose(self, choice: int) -> None:
        self.backend.lose_server()

    def mend(self, wanted: Spec) -> None:
        """From now on everything goes well."""
        self.backend.put(KEY, wanted)
        for _ in range(6):
            self.settle()
            self.on_succeed(1)
            self.on_load(1)
            self.on_switch(1)
            self.now += 400
            self.check()
        self.settle()

    def follow(self) -> float | None:
        """Passes as long as they change something, as whoever is told of changes makes them; when the next is due."""
        while True:
            before = self.observed()
            wait_s = self.one_pass()
            if self.observed() == before:
                return wait_s

    def observed(self) -> Observed:
        seen = now_or_never(self.backend.observe(KEY))
        assert seen is not None
        return seen

    def _open(self, choice: int) -> list[str]:
        names = sorted(name for name, (_, s) in self.world.jobs.items() if s.phase in ("Pending", "Running"))
        return names[choice % len(names) :][:1] if names else []


EVENTS = sorted(name.removeprefix("on_") for name in dir(RandomLife) if name.startswith("on_"))
OFTEN = ["pass"] * 6 + ["progress"] * 4 + ["succeed", "load", "switch", "edit"] * 2
LIVES = st.lists(st.tuples(st.sampled_from(EVENTS + OFTEN), st.integers(0, 59)), max_size=50)


def lived(events: list[tuple[str, int]]) -> RandomLife:
    life = RandomLife()
    life.backend.put(KEY, SPECS[0])
    for event, choice in events:
        life.happen(event, choice)
    return life


@settings(max_examples=120, deadline=None)
@given(LIVES)
def test_whatever_happened_once_all_goes_well_the_spec_serves_and_only_what_is_remembered_is_left(
    events: list[tuple[str, int]],
) -> None:
    life = lived(events)
    life.mend(WHOLE)
    status = life.status
    assert (status.phase, status.candidate) == (Phase.SERVING, None)
    assert status.serving is not None
    assert status.serving.revision == status.revisions[0].number
    assert status.revisions[0].name == build_name("digits", WHOLE)
    assert {condition.status for condition in status.conditions} == {"True"}
    remembered = {name for record in status.revisions for name in (record.name, record.gate) if name in life.world.jobs}
    assert life.observed().owned == {Ref("Traffic", "digits")} | {Ref("Job", str(name)) for name in remembered}


@settings(max_examples=60, deadline=None)
@given(LIVES)
def test_equal_observations_give_equal_plans_and_are_never_changed(events: list[tuple[str, int]]) -> None:
    life = lived(events)
    seen = life.observed()
    before = copy.deepcopy(seen)
    plan = make_plan(seen, life.now)
    assert make_plan(before, life.now) == plan
    assert seen == before


@settings(max_examples=60, deadline=None)
@given(LIVES)
def test_a_plan_that_was_carried_out_is_planned_again_unchanged(events: list[tuple[str, int]]) -> None:
    life = lived(events)
    life.settle()
    seen = life.observed()
    assert make_plan(seen, life.now).status == seen.model.status
    life.one_pass()
    assert life.observed() == seen


@settings(max_examples=60, deadline=None)
@given(LIVES, st.floats(0, 1e6))
def test_while_nothing_changes_time_alone_takes_nothing_away(events: list[tuple[str, int]], seconds: float) -> None:
    life = lived(events)
    life.settle()
    seen = life.observed()
    now, later = make_plan(seen, life.now), make_plan(seen, life.now + seconds)
    assert later.status == now.status
    assert later.refs >= now.refs


@settings(max_examples=60, deadline=None)
@given(LIVES)
def test_status_numbers_are_never_reused_and_conditions_come_in_their_order(events: list[tuple[str, int]]) -> None:
    life = lived([*events, ("pass", 0)])
    numbers = [record.number for record in life.status.revisions]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len({record.name for record in life.status.revisions}) == len(numbers)
    types = [str(condition.type) for condition in life.status.conditions]
    assert types == ["DataReady", "Trained", "Compressed", "GatePassed", "Serving", "Ready"]


@settings(max_examples=60, deadline=None)
@given(LIVES)
def test_who_is_told_of_every_change_needs_no_look_but_at_the_moments_that_a_plan_names(
    events: list[tuple[str, int]],
) -> None:
    life = lived(events)
    life.backend.is_told = True
    life.backend.put(KEY, WHOLE)
    life.follow()
    life.on_fail(0)
    for _ in range(12):
        wait_s = life.follow()
        life.now += 0.0 if wait_s is None else wait_s
        life.follow()
        for event in (life.on_succeed, life.on_load, life.on_switch):
            event(1)
            life.follow()
    assert life.status.phase is Phase.SERVING
    assert life.follow() is None

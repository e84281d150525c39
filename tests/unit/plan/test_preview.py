"""What a plan foretells, as a table, and held against what the decision core then really does."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from lepton.plan.preview import UNKNOWN, Change, Cost, Preview, changes, preview
from lepton.plan.types import Job, JobState, Observed
from lepton.report import Summary
from lepton.spec.resource import LeptonModel, Metadata, Spec
from tests.unit.plan.life import KEY, NO_DATA, Life, edited, now_or_never, spec

TOOK = {"data": 2.0, "train": 100.0, "compress": 40.0, "package": 1.5}
PROOF = {"gate": 16.5}


def observed(life: Life) -> Observed:
    seen = now_or_never(life.backend.observe(KEY))
    assert seen is not None
    return seen


def foretold(life: Life, wanted: Spec) -> Preview:
    seen = observed(life)
    return preview(seen, seen.model.model_copy(update={"spec": wanted}), life.now)


def of_new(wanted: Spec) -> Preview:
    model = LeptonModel(
        api_version="leptonml.dev/v1alpha1", kind="LeptonModel", metadata=Metadata(name="digits"), spec=wanted
    )
    return preview(Observed(model), model, 0.0)


def shown(found: Preview) -> "Shown":
    return Shown(
        comes=[f"{one.ref.kind} {_short(one.ref.name)}" for one in found.comes],
        passing=sorted(_short(ref.name) for ref in found.passing),
        runs=[run.stage for run in found.stages if run.runs],
        serves=found.serves,
        stopped=found.stopped is not None,
    )


def _short(name: str) -> str:
    """The name without a hash that is known."""
    head, _, end = name.rpartition("-")
    return name if end in ("", UNKNOWN) or not head else head


@dataclass(frozen=True)
class Shown:
    comes: list[str]
    passing: list[str]
    runs: list[str]
    serves: int | None
    stopped: bool = False


WHOLE = [
    "Job digits-build",
    f"Endpoint digits-candidate-{UNKNOWN}",
    f"Endpoint digits-baseline-{UNKNOWN}",
    f"Job digits-gate-{UNKNOWN}",
    "Traffic digits",
]
GATE = ["Endpoint digits-candidate", "Endpoint digits-baseline", "Job digits-gate"]
PASSING = [f"digits-baseline-{UNKNOWN}", f"digits-candidate-{UNKNOWN}"]
ALL = ["data", "train", "compress", "package", "load", "gate"]
PRUNED = {"steps": [{"prune": {"ratio": 0.5}}]}

CASES: dict[str, tuple[Callable[[], Life], Spec, Shown]] = {
    "nothing changes where the spec does not": (lambda: Life().serves(spec()), spec(), Shown([], [], [], 1)),
    "more epochs train and all that follows again": (
        lambda: Life().serves(spec()),
        edited(9),
        Shown(WHOLE, PASSING, ALL, 2),
    ),
    "another recipe leaves the training as it is": (
        lambda: Life().serves(spec()),
        spec(compress=PRUNED),
        Shown(WHOLE, PASSING, ["data", "compress", "package", "load", "gate"], 2),
    ),
    "other resources build anew and take every stage as it is": (
        lambda: Life().serves(spec()),
        spec(train={"resources": {"cpu": 2}}),
        Shown(WHOLE, PASSING, ["data", "package", "load", "gate"], 2),
    ),
    "other budgets prove the same artifact again": (
        lambda: Life().serves(spec()),
        spec(gate={"minAccuracy": 90}),
        Shown(GATE, ["digits-baseline", "digits-candidate"], ["load", "gate"], 1),
    ),
    "an edit back finds the artifact and its proof": (
        lambda: Life().serves(spec()).serves(edited(9)),
        spec(),
        Shown(["Traffic digits"], [], ["load"], 1),
    ),
    "a rollback moves the traffic alone": (
        lambda: Life().serves(spec()).serves(edited(9)),
        edited(9, revision=1),
        Shown(["Traffic digits"], [], ["load"], 1),
    ),
    "a pin to what is not remembered is told": (
        lambda: Life().serves(spec()),
        spec(revision=7),
        Shown([], [], [], 1, stopped=True),
    ),
    "suspended, nothing begins": (
        lambda: Life().serves(spec()),
        edited(9, suspend=True),
        Shown([], [], [], 1, stopped=True),
    ),
    "what failed for good is not tried again by the same spec": (
        lambda: Life().apply(spec()).fails(NO_DATA),
        spec(),
        Shown([], [], [], None, stopped=True),
    ),
    "after a failure nothing can be taken up": (
        lambda: Life().apply(spec()).fails(NO_DATA),
        spec(compress=PRUNED),
        Shown(WHOLE, PASSING, ALL, 2),
    ),
}


@pytest.mark.parametrize("sentence", CASES)
def test_a_plan_foretells(sentence: str) -> None:
    begin, wanted, expected = CASES[sentence]
    life = begin()
    before = observed(life)
    assert shown(foretold(life, wanted)) == expected
    assert observed(life) == before


def test_a_new_model_is_built_proved_and_served() -> None:
    found = of_new(spec())
    assert shown(found) == Shown(WHOLE, PASSING, ALL, 1)
    assert (found.changes, found.goes, found.cost) == ((), frozenset(), None)


@pytest.mark.parametrize("sentence", [one for one, (_, _, shown) in CASES.items() if not shown.stopped])
def test_what_is_foretold_comes_true(sentence: str) -> None:
    begin, wanted, _ = CASES[sentence]
    life = begin()
    found = foretold(life, wanted)
    before = observed(life).owned
    life.apply(wanted)
    if any(isinstance(one, Job) and one.kind == "build" for one in found.comes):
        (build,) = [one.name for one in found.comes if isinstance(one, Job) and one.kind == "build"]
        assert life.open_job() == build
        life.builds()
    if any(isinstance(one, Job) and one.kind == "gate" for one in found.comes):
        life.proved()
    life.switches()
    assert life.view().serving == found.serves
    assert before - observed(life).owned == found.goes


def test_a_change_names_the_field_and_both_values() -> None:
    assert changes(spec(), edited(9, suspend=True)) == (
        Change("train.epochs", 20, 9),
        Change("suspend", False, True),
    )
    assert changes(spec(), spec()) == ()


def timed(life: Life) -> Observed:
    """The jobs tell how long their stages took."""
    seen = observed(life)
    jobs: dict[str, JobState] = {}
    for name, state in seen.jobs.items():
        assert state.summary is not None
        took = PROOF if "-gate-" in name else TOOK
        told: Summary = state.summary.model_copy(update={"stage_seconds": took})
        jobs[name] = replace(state, summary=told)
    return replace(seen, jobs=jobs)


def test_time_is_that_of_the_last_run_of_the_stages_that_run() -> None:
    seen = timed(Life().serves(spec()))
    resources = {"cpu": 4, "gpu": 1}
    wanted = spec(compress=PRUNED, train={"workers": 2, "resources": resources})
    found = preview(seen, seen.model.model_copy(update={"spec": wanted}), 0.0)
    # other workers train anew, so every stage of the build runs
    build, gate = sum(TOOK.values()), sum(PROOF.values())
    assert found.cost == Cost(
        seconds=pytest.approx(build + gate),
        cpu_hours=pytest.approx((build * 8 + gate) / 3600),
        gpu_hours=pytest.approx(build * 2 / 3600),
    )


def test_a_stage_that_was_taken_up_does_not_say_how_long_it_takes() -> None:
    life = Life().serves(spec()).serves(spec(compress=PRUNED))
    seen = timed(life)
    newest = life.status.revisions[0]
    summary = seen.jobs[newest.name].summary
    assert summary is not None
    quick = summary.model_copy(update={"stage_seconds": {**TOOK, "train": 0.01}})
    jobs = {**seen.jobs, newest.name: replace(seen.jobs[newest.name], summary=quick)}
    found = preview(replace(seen, jobs=jobs), seen.model.model_copy(update={"spec": edited(9)}), 0.0)
    assert found.cost is not None
    assert found.cost.seconds == pytest.approx(sum(TOOK.values()) + sum(PROOF.values()))


def test_a_time_that_nobody_knows_is_not_guessed() -> None:
    assert foretold(Life().serves(spec()), edited(9)).cost is None

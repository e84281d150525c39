"""What becomes of a model, told as short lives: what happened, and all that can be seen afterwards."""

from collections.abc import Callable

import pytest

from lepton.report import Summary
from lepton.spec.reasons import Phase
from tests.unit.plan.life import CORRUPT, CRASH, FULL, KEY, NO_DATA, NO_SERVER, TOO_LOW, Life, View, edited, spec

STRICT = {"minAccuracy": 99}
BUILT = "DataReady+ Trained+ Compressed+"
NOT_YET = "DataReady? Trained? Compressed? GatePassed? Serving? Ready?"
ALL = f"{BUILT} GatePassed+ Serving+ Ready+"

STORIES: dict[str, tuple[Callable[[Life], object], View]] = {
    "a new spec starts a build": (
        lambda life: life.apply(spec()),
        View(Phase.TRAINING, None, None, (1, "data"), {1: "Building"}, NOT_YET, "build1"),
    ),
    "while the build trains, the data is known to be ready": (
        lambda life: life.apply(spec()).build_runs("train"),
        View(
            Phase.TRAINING,
            None,
            None,
            (1, "train"),
            {1: "Building"},
            "DataReady+ Trained? Compressed? GatePassed? Serving? Ready?",
            "build1",
        ),
    ),
    "while the build packages, the model is still being compressed": (
        lambda life: life.apply(spec()).build_runs("package"),
        View(
            Phase.COMPRESSING,
            None,
            None,
            (1, "package"),
            {1: "Building"},
            "DataReady+ Trained+ Compressed? GatePassed? Serving? Ready?",
            "build1",
        ),
    ),
    "what was built is loaded twice at no traffic, compressed and not": (
        lambda life: life.apply(spec()).builds(),
        View(
            Phase.GATING,
            None,
            None,
            (1, "load"),
            {1: "Gating"},
            f"{BUILT} GatePassed? Serving? Ready?",
            "baseline1 build1 candidate1",
        ),
    ),
    "the gate begins once both are loaded": (
        lambda life: life.apply(spec()).builds().loads(),
        View(
            Phase.GATING,
            None,
            None,
            (1, "gate"),
            {1: "Gating"},
            f"{BUILT} GatePassed? Serving? Ready?",
            "baseline1 build1 candidate1 gate1",
        ),
    ),
    "the traffic goes to what has passed, and the candidate is unloaded": (
        lambda life: life.apply(spec()).builds().proved(),
        View(
            Phase.DEPLOYING,
            None,
            None,
            (1, "load"),
            {1: "Passed"},
            f"{BUILT} GatePassed+ Serving? Ready?",
            "build1 gate1 traffic1",
        ),
    ),
    "what has the traffic serves": (
        lambda life: life.serves(spec()),
        View(Phase.SERVING, 1, 1, None, {1: "Passed"}, ALL, "build1 gate1 traffic1"),
    ),
    "a failed candidate at first leaves nothing serving": (
        lambda life: life.apply(spec(gate=STRICT)).builds().proved(False),
        View(
            Phase.FAILED,
            None,
            None,
            None,
            {1: "Failed"},
            f"{BUILT} GatePassed-BudgetNotMet Serving? Ready-BudgetNotMet",
            "build1 gate1",
        ),
    ),
    "while the next one trains, the old one serves": (
        lambda life: life.serves(spec()).apply(edited(2)),
        View(
            Phase.TRAINING,
            1,
            1,
            (2, "data"),
            {2: "Building", 1: "Passed"},
            "DataReady? Trained? Compressed? GatePassed? Serving+ Ready?",
            "build1 build2 gate1 traffic1",
        ),
    ),
    "while the next one is proved, the old one serves": (
        lambda life: life.serves(spec()).apply(edited(2)).builds().loads(),
        View(
            Phase.GATING,
            1,
            1,
            (2, "gate"),
            {2: "Gating", 1: "Passed"},
            f"{BUILT} GatePassed? Serving+ Ready?",
            "baseline2 build1 build2 candidate2 gate1 gate2 traffic1",
        ),
    ),
    "a failed candidate leaves the old one serving": (
        lambda life: life.serves(spec()).apply(edited(2, gate=STRICT)).builds().proved(False),
        View(
            Phase.FAILED,
            1,
            1,
            None,
            {2: "Failed", 1: "Passed"},
            f"{BUILT} GatePassed-BudgetNotMet Serving+ Ready-BudgetNotMet",
            "build1 build2 gate1 gate2 traffic1",
        ),
    ),
    "a failed candidate does not hide that what serves can't be loaded again": (
        lambda life: (
            life.serves(spec())
            .apply(edited(2, gate=STRICT))
            .builds()
            .proved(False)
            .loses_server()
            .cant_switch(CORRUPT)
            .settle()
        ),
        View(
            Phase.FAILED,
            1,
            None,
            None,
            {2: "Failed", 1: "Passed"},
            f"{BUILT} GatePassed-BudgetNotMet Serving-ArtifactCorrupt Ready-ArtifactCorrupt",
            "build1 build2 gate1 gate2 traffic1",
        ),
    ),
    "a build at work does not hide that what serves can't be loaded again": (
        lambda life: life.serves(spec()).apply(edited(2)).build_runs().loses_server().cant_switch(NO_SERVER).settle(),
        View(
            Phase.TRAINING,
            1,
            None,
            (2, "train"),
            {2: "Building", 1: "Passed"},
            "DataReady+ Trained? Compressed? GatePassed? Serving-ServerUnavailable Ready-ServerUnavailable",
            "build1 build2 gate1 traffic1",
        ),
    ),
    "until the switch is done the old one answers": (
        lambda life: life.serves(spec()).apply(edited(2)).builds().proved(),
        View(
            Phase.DEPLOYING,
            1,
            1,
            (2, "load"),
            {2: "Passed", 1: "Passed"},
            f"{BUILT} GatePassed+ Serving+ Ready?",
            "build1 build2 gate1 gate2 traffic2",
        ),
    ),
    "the next one takes the traffic and the old artifact stays": (
        lambda life: life.serves(spec()).serves(edited(2)),
        View(Phase.SERVING, 2, 2, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic2"),
    ),
    "a switch that fails leaves the old one answering and says why": (
        lambda life: life.serves(spec()).apply(edited(2)).builds().proved().cant_switch(CORRUPT).settle(),
        View(
            Phase.DEPLOYING,
            1,
            1,
            (2, "load"),
            {2: "Passed", 1: "Passed"},
            f"{BUILT} GatePassed+ Serving+ Ready-ArtifactCorrupt",
            "build1 build2 gate1 gate2 traffic2",
        ),
    ),
    "when the new one can't be loaded and the old one is lost, the old one is wanted again": (
        lambda life: (
            life.serves(spec()).apply(edited(2)).builds().proved().loses_server().cant_switch(CORRUPT).settle()
        ),
        View(
            Phase.DEPLOYING,
            1,
            None,
            None,
            {2: "Passed", 1: "Passed"},
            f"{BUILT} GatePassed+ Serving-ArtifactCorrupt Ready-ArtifactCorrupt",
            "build1 build2 gate1 gate2 traffic1",
        ),
    ),
    "while the server itself is in trouble, the new one stays wanted": (
        lambda life: life.serves(spec()).apply(edited(2)).builds().proved().loses_server().cant_switch(NO_SERVER),
        View(
            Phase.DEPLOYING,
            1,
            None,
            (2, "load"),
            {2: "Passed", 1: "Passed"},
            f"{BUILT} GatePassed+ Serving-ServerUnavailable Ready-ServerUnavailable",
            "build1 build2 gate1 gate2 traffic2",
        ),
    ),
    "a lost server is told what to load, and status remembers what served": (
        lambda life: life.serves(spec()).loses_server().settle(),
        View(
            Phase.DEPLOYING,
            1,
            None,
            None,
            {1: "Passed"},
            f"{BUILT} GatePassed+ Serving? Ready?",
            "build1 gate1 traffic1",
        ),
    ),
    "a spec edited back is the old revision: nothing is built or proved again": (
        lambda life: life.serves(spec()).serves(edited(2)).apply(spec()).switches(),
        View(Phase.SERVING, 1, 1, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic1"),
    ),
    "a build that is no longer wanted is stopped and its revision superseded": (
        lambda life: life.apply(edited(2)).build_runs().apply(edited(3)),
        View(Phase.TRAINING, None, None, (2, "data"), {2: "Building", 1: "Superseded"}, NOT_YET, "build2"),
    ),
    "a candidate that is no longer wanted is unloaded and its artifact stays": (
        lambda life: life.apply(edited(2)).builds().loads().apply(edited(3)),
        View(Phase.TRAINING, None, None, (2, "data"), {2: "Building", 1: "Superseded"}, NOT_YET, "build1 build2"),
    ),
    "a superseded artifact that is wanted again goes straight to the gate": (
        lambda life: life.apply(edited(2)).builds().apply(edited(3)).apply(edited(2)),
        View(
            Phase.GATING,
            None,
            None,
            (1, "load"),
            {2: "Superseded", 1: "Gating"},
            f"{BUILT} GatePassed? Serving? Ready?",
            "baseline1 build1 candidate1",
        ),
    ),
    "a pinned revision takes the traffic at once": (
        lambda life: life.serves(spec()).serves(edited(2)).apply(edited(2, revision=1)).switches(),
        View(Phase.SERVING, 1, 1, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic1"),
    ),
    "a pinned revision needs no new proof under new budgets": (
        lambda life: life.serves(spec()).serves(edited(2)).apply(edited(2, revision=1, gate=STRICT)).switches(),
        View(Phase.SERVING, 1, 1, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic1"),
    ),
    "a pin holds while the rest of the spec changes": (
        lambda life: life.serves(spec()).apply(edited(9, revision=1)),
        View(Phase.SERVING, 1, 1, None, {1: "Passed"}, ALL, "build1 gate1 traffic1"),
    ),
    "without the pin the spec decides again": (
        lambda life: life.serves(spec()).apply(edited(9, revision=1)).apply(edited(9)),
        View(
            Phase.TRAINING,
            1,
            1,
            (2, "data"),
            {2: "Building", 1: "Passed"},
            "DataReady? Trained? Compressed? GatePassed? Serving+ Ready?",
            "build1 build2 gate1 traffic1",
        ),
    ),
    "a pin to what never was changes nothing and says so": (
        lambda life: life.serves(spec()).apply(spec(revision=7)),
        View(
            Phase.FAILED,
            1,
            1,
            None,
            {1: "Passed"},
            "DataReady?RevisionNotFound Trained?RevisionNotFound Compressed?RevisionNotFound"
            " GatePassed?RevisionNotFound Serving+ Ready-RevisionNotFound",
            "build1 gate1 traffic1",
        ),
    ),
    "a mistyped pin does not stop the build under way": (
        lambda life: life.serves(spec()).apply(edited(2)).build_runs().apply(edited(2, revision=7)),
        View(
            Phase.FAILED,
            1,
            1,
            None,
            {2: "Building", 1: "Passed"},
            "DataReady?RevisionNotFound Trained?RevisionNotFound Compressed?RevisionNotFound"
            " GatePassed?RevisionNotFound Serving+ Ready-RevisionNotFound",
            "build1 build2 gate1 traffic1",
        ),
    ),
    "a pin to a revision without an artifact says so": (
        lambda life: life.apply(edited(2)).apply(edited(3)).apply(edited(3, revision=1)),
        View(
            Phase.FAILED,
            None,
            None,
            None,
            {2: "Building", 1: "Superseded"},
            "DataReady?RevisionNotFound Trained?RevisionNotFound Compressed?RevisionNotFound"
            " GatePassed?RevisionNotFound Serving?RevisionNotFound Ready-RevisionNotFound",
            "build2",
        ),
    ),
    "a pin to the revision that the spec is building lets it build": (
        lambda life: life.apply(spec()).apply(spec(revision=1)),
        View(Phase.TRAINING, None, None, (1, "data"), {1: "Building"}, NOT_YET, "build1"),
    ),
    "a suspended new spec starts nothing": (
        lambda life: life.apply(spec(suspend=True)),
        View(
            Phase.SUSPENDED,
            None,
            None,
            None,
            {},
            "DataReady?Suspended Trained?Suspended Compressed?Suspended GatePassed?Suspended"
            " Serving?Suspended Ready?Suspended",
            "",
        ),
    ),
    "a suspended model goes on serving": (
        lambda life: life.serves(spec()).apply(spec(suspend=True)),
        View(Phase.SUSPENDED, 1, 1, None, {1: "Passed"}, ALL, "build1 gate1 traffic1"),
    ),
    "a build at work goes on while suspended, and what follows waits": (
        lambda life: life.apply(spec()).apply(spec(suspend=True)).builds(),
        View(
            Phase.SUSPENDED,
            None,
            None,
            None,
            {1: "Gating"},
            f"{BUILT} GatePassed?Suspended Serving? Ready?Suspended",
            "build1",
        ),
    ),
    "a proof that ends while suspended does not move the traffic": (
        lambda life: life.serves(spec()).apply(edited(2)).builds().loads().apply(edited(2, suspend=True)).judged(),
        View(
            Phase.SUSPENDED,
            1,
            1,
            None,
            {2: "Passed", 1: "Passed"},
            f"{BUILT} GatePassed+ Serving+ Ready?Suspended",
            "build1 build2 gate1 gate2 traffic1",
        ),
    ),
    "a rollback works while suspended": (
        lambda life: life.serves(spec()).serves(edited(2)).apply(edited(2, revision=1, suspend=True)).switches(),
        View(Phase.SUSPENDED, 1, 1, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic1"),
    ),
    "a changed gate proves the same artifact again while it serves": (
        lambda life: life.serves(spec()).apply(spec(gate=STRICT)),
        View(
            Phase.GATING,
            1,
            1,
            (1, "load"),
            {1: "Passed"},
            f"{BUILT} GatePassed? Serving+ Ready?",
            "baseline1 build1 candidate1 gate1 traffic1",
        ),
    ),
    "a gate tightened on what serves fails, and it goes on serving": (
        lambda life: life.serves(spec()).apply(spec(gate=STRICT)).proved(False),
        View(
            Phase.FAILED,
            1,
            1,
            None,
            {1: "Failed"},
            f"{BUILT} GatePassed-BudgetNotMet Serving+ Ready-BudgetNotMet",
            "build1 gate1 traffic1",
        ),
    ),
    "a gate loosened lets a failed candidate pass without a new build": (
        lambda life: (
            life.serves(spec())
            .apply(edited(2, gate=STRICT))
            .builds()
            .proved(False)
            .apply(edited(2))
            .proved()
            .switches()
        ),
        View(Phase.SERVING, 2, 2, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic2"),
    ),
    "what the user must mend is not tried again": (
        lambda life: life.serves(spec()).apply(edited(2)).fails(NO_DATA).wait(10_000),
        View(
            Phase.FAILED,
            1,
            1,
            None,
            {2: "Failed", 1: "Passed"},
            "DataReady-DataNotFound Trained? Compressed? GatePassed? Serving+ Ready-DataNotFound",
            "build1 build2 gate1 traffic1",
        ),
    ),
    "edited away and back, what the user has mended is tried again": (
        lambda life: life.apply(edited(2)).fails(NO_DATA).apply(edited(3, suspend=False)).apply(edited(2)),
        View(Phase.TRAINING, None, None, (1, "data"), {2: "Superseded", 1: "Building"}, NOT_YET, "build1"),
    ),
    "a crash is shown until it is time to try again": (
        lambda life: life.apply(spec()).fails(CRASH),
        View(
            Phase.TRAINING,
            None,
            None,
            (1, "data"),
            {1: "Building"},
            "DataReady+ Trained-JobFailed Compressed? GatePassed? Serving? Ready-JobFailed",
            "build1",
        ),
    ),
    "a crashed build is tried again": (
        lambda life: life.apply(spec()).fails(CRASH).wait(2),
        View(Phase.TRAINING, None, None, (1, "data"), {1: "Building"}, NOT_YET, "build1"),
    ),
    "a build that died without a word is tried again": (
        lambda life: life.apply(spec()).fails(None).wait(2).builds().proved().switches(),
        View(Phase.SERVING, 1, 1, None, {1: "Passed"}, ALL, "build1 gate1 traffic1"),
    ),
    "a build that crashes six times is given up": (
        lambda life: life.apply(spec()).fails_often(CRASH, 6),
        View(
            Phase.FAILED,
            None,
            None,
            None,
            {1: "Failed"},
            "DataReady+ Trained-JobFailed Compressed? GatePassed? Serving? Ready-JobFailed",
            "build1",
        ),
    ),
    "a crash in a stage after training leaves the network trained": (
        lambda life: life.apply(spec()).fails(FULL),
        View(
            Phase.COMPRESSING,
            None,
            None,
            (1, "compress"),
            {1: "Building"},
            "DataReady+ Trained+ Compressed-DiskFull GatePassed? Serving? Ready-DiskFull",
            "build1",
        ),
    ),
    "a full disk is waited for as long as it takes": (
        lambda life: life.apply(spec()).fails_often(FULL, 20).builds(),
        View(
            Phase.GATING,
            None,
            None,
            (1, "load"),
            {1: "Gating"},
            f"{BUILT} GatePassed? Serving? Ready?",
            "baseline1 build1 candidate1",
        ),
    ),
    "a gate that crashes six times is given up and the candidate unloaded": (
        lambda life: life.apply(spec()).builds().loads().fails_often(CRASH, 6),
        View(
            Phase.FAILED,
            None,
            None,
            None,
            {1: "Failed"},
            f"{BUILT} GatePassed-JobFailed Serving? Ready-JobFailed",
            "build1 gate1",
        ),
    ),
    "a proof under other budgets that only crashes does not take back what was proved": (
        lambda life: life.serves(spec()).apply(spec(gate=STRICT)).loads().fails_often(CRASH, 6),
        View(
            Phase.FAILED,
            1,
            1,
            None,
            {1: "Passed"},
            f"{BUILT} GatePassed-JobFailed Serving+ Ready-JobFailed",
            "build1 gate1 gate1 traffic1",
        ),
    ),
    "a candidate that can't be loaded says why": (
        lambda life: life.apply(spec()).builds().cant_load(CORRUPT).settle(),
        View(
            Phase.GATING,
            None,
            None,
            (1, "load"),
            {1: "Gating"},
            f"{BUILT} GatePassed-ArtifactCorrupt Serving? Ready-ArtifactCorrupt",
            "baseline1 build1 candidate1",
        ),
    ),
}


@pytest.mark.parametrize("sentence", STORIES)
def test_what_becomes_of_a_model(sentence: str) -> None:
    story, expected = STORIES[sentence]
    life = Life()
    story(life)
    assert life.view() == expected


def test_what_serves_and_fails_is_told_before_the_candidate_that_failed() -> None:
    life = Life()
    life.serves(spec()).apply(edited(2, gate=STRICT)).builds().proved(False).loses_server().cant_switch(CORRUPT)
    told = "Serving: model.onnx differs from its digest; loading is tried again by itself"
    assert life.status.conditions[-1].message == f"{told}; GatePassed: {TOO_LOW}"


def test_nothing_is_built_twice_for_a_rollback_an_edit_back_or_other_budgets() -> None:
    life = Life()
    life.serves(spec())
    life.serves(edited(2))
    begun = list(life.backend.started)
    for wanted in (spec(), edited(2), edited(2, revision=1), spec(revision=2)):
        life.apply(wanted)
        life.switches()
    assert life.backend.started == begun


def test_an_artifact_that_was_finished_just_before_its_spec_was_edited_away_is_not_built_again() -> None:
    life = Life().apply(edited(2))
    name = life.open_job()
    life.backend.finish_job(name, Summary(artifact="memory://1", digest="sha256:1"))
    life.apply(edited(3)).apply(edited(2))
    assert [begun for begun, _ in life.backend.started].count(name) == 1
    assert life.view().revisions == {2: "Superseded", 1: "Gating"}


def test_a_deleted_model_is_forgotten_once_nothing_of_it_is_left() -> None:
    life = Life()
    life.serves(spec())
    life.apply(edited(2))
    life.backend.mark_deleted(KEY, "2026-01-01T00:00:00Z")
    life.one_pass()
    assert (life.view().owned, life.view().answers) == ("", None)
    life.one_pass()
    assert life.backend.worlds == {}


def test_ten_revisions_and_their_artifacts_are_remembered_and_the_one_that_serves_never_goes() -> None:
    life = Life()
    life.serves(edited(1))
    for epochs in range(2, 20):
        life.apply(edited(epochs))
        life.builds()
    view = life.view()
    numbers = [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1]
    assert (list(view.revisions), view.serving, view.answers) == (numbers, 1, 1)
    assert {name for name in view.owned.split() if "build" in name} == {f"build{number}" for number in numbers}
    life.apply(edited(20))
    assert list(life.view().revisions) == [20, *numbers[:9], 1]


def test_a_status_that_would_say_the_same_is_not_written() -> None:
    life = Life()
    life.serves(spec())
    version = life.world.model.metadata.resource_version
    life.wait(100_000)
    assert life.world.model.metadata.resource_version == version


def test_whoever_writes_in_between_ends_the_pass_before_anything_is_begun() -> None:
    life = Life()
    life.backend.put(KEY, spec())
    report = life.backend.report

    async def report_late(key: object, status: object, version: int) -> bool:
        life.backend.put(KEY, edited(2))
        return await report(KEY, life.status, version)

    life.backend.report = report_late  # type: ignore[method-assign, assignment]
    assert life.one_pass() == 0.0
    assert life.backend.started == []

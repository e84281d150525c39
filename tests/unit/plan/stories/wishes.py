"""Wishes that change: edits, pins, suspension and other budgets."""

from lepton.spec.reasons import Phase
from tests.unit.plan.life import View, edited, spec
from tests.unit.plan.stories.seen import (
    ALL,
    BUILT,
    FIRST_BUILDS,
    FIRST_SERVES,
    FIRST_SERVES_AGAIN,
    NOT_YET,
    SECOND_BUILDS,
    SECOND_SERVES,
    STRICT,
    Stories,
)

STORIES: Stories = {
    "a spec edited back is the old revision: nothing is built or proved again": (
        lambda life: life.serves(spec()).serves(edited(2)).apply(spec()).switches(),
        FIRST_SERVES_AGAIN,
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
        FIRST_SERVES_AGAIN,
    ),
    "a pinned revision needs no new proof under new budgets": (
        lambda life: life.serves(spec()).serves(edited(2)).apply(edited(2, revision=1, gate=STRICT)).switches(),
        FIRST_SERVES_AGAIN,
    ),
    "a pin holds while the rest of the spec changes": (
        lambda life: life.serves(spec()).apply(edited(9, revision=1)),
        FIRST_SERVES,
    ),
    "without the pin the spec decides again": (
        lambda life: life.serves(spec()).apply(edited(9, revision=1)).apply(edited(9)),
        SECOND_BUILDS,
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
        FIRST_BUILDS,
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
        SECOND_SERVES,
    ),
}

"""Jobs that fail: what is tried again, what is not, and what is said."""

from lepton.spec.reasons import Phase
from tests.unit.plan.life import CORRUPT, CRASH, FULL, NO_DATA, View, edited, spec
from tests.unit.plan.stories.seen import BUILT, FIRST_BUILDS, FIRST_LOADS, FIRST_SERVES, NOT_YET, STRICT, Stories

STORIES: Stories = {
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
    "a crashed build is tried again": (lambda life: life.apply(spec()).fails(CRASH).wait(2), FIRST_BUILDS),
    "a build that died without a word is tried again": (
        lambda life: life.apply(spec()).fails(None).wait(2).builds().proved().switches(),
        FIRST_SERVES,
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
        FIRST_LOADS,
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

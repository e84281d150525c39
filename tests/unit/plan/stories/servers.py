"""What serves and its server: switches that fail, servers that are lost."""

from lepton.spec.reasons import Phase
from tests.unit.plan.life import CORRUPT, NO_SERVER, View, edited, spec
from tests.unit.plan.stories.seen import BUILT, STRICT, Stories

STORIES: Stories = {
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
}

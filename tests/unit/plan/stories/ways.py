"""From a spec to what serves, and to its successor, with nothing in the way."""

from lepton.spec.reasons import Phase
from tests.unit.plan.life import View, edited, spec
from tests.unit.plan.stories.seen import (
    BUILT,
    FIRST_BUILDS,
    FIRST_LOADS,
    FIRST_SERVES,
    SECOND_BUILDS,
    SECOND_SERVES,
    STRICT,
    Stories,
)

STORIES: Stories = {
    "a new spec starts a build": (lambda life: life.apply(spec()), FIRST_BUILDS),
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
        FIRST_LOADS,
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
    "what has the traffic serves": (lambda life: life.serves(spec()), FIRST_SERVES),
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
    "while the next one trains, the old one serves": (lambda life: life.serves(spec()).apply(edited(2)), SECOND_BUILDS),
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
        SECOND_SERVES,
    ),
}

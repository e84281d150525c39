"""What the stories have in common."""

from collections.abc import Callable

from lepton.spec.reasons import Phase
from tests.unit.plan.life import Life, View

Stories = dict[str, tuple[Callable[[Life], object], View]]
STRICT = {"minAccuracy": 99}
BUILT = "DataReady+ Trained+ Compressed+"
NOT_YET = "DataReady? Trained? Compressed? GatePassed? Serving? Ready?"
ALL = f"{BUILT} GatePassed+ Serving+ Ready+"
FIRST_BUILDS = View(Phase.TRAINING, None, None, (1, "data"), {1: "Building"}, NOT_YET, "build1")
FIRST_SERVES = View(Phase.SERVING, 1, 1, None, {1: "Passed"}, ALL, "build1 gate1 traffic1")
FIRST_LOADS = View(
    Phase.GATING,
    None,
    None,
    (1, "load"),
    {1: "Gating"},
    f"{BUILT} GatePassed? Serving? Ready?",
    "baseline1 build1 candidate1",
)
SECOND_BUILDS = View(
    Phase.TRAINING,
    1,
    1,
    (2, "data"),
    {2: "Building", 1: "Passed"},
    "DataReady? Trained? Compressed? GatePassed? Serving+ Ready?",
    "build1 build2 gate1 traffic1",
)
SECOND_SERVES = View(Phase.SERVING, 2, 2, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic2")
FIRST_SERVES_AGAIN = View(
    Phase.SERVING, 1, 1, None, {2: "Passed", 1: "Passed"}, ALL, "build1 build2 gate1 gate2 traffic1"
)

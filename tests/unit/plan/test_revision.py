"""Names of builds: what makes a new revision and what does not."""

import pytest

from lepton.plan.conditions import dated
from lepton.plan.revision import build_name
from lepton.plan.types import Fact
from lepton.spec.fields import timestamp
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.status import Condition
from tests.unit.plan.life import spec

SAME: dict[str, dict[str, object]] = {
    "other budgets": {"gate": {"minAccuracy": 99}},
    "a pin": {"revision": 2},
    "a suspension": {"suspend": True},
    "more servers": {"deploy": {"replicas": 3}},
    "larger servers": {"deploy": {"resources": {"cpu": 2, "memory": "4Gi"}}},
    "an engine by name": {"deploy": {"engine": "triton"}},
    "a default that is written out": {"train": {"epochs": 20}, "deploy": {"instances": 1}},
}
OTHER: dict[str, dict[str, object]] = {
    "other data": {"data": {"uri": "file:///digits.npz"}},
    "another split": {"data": {"uri": "sklearn://digits", "split": {"seed": 1}}},
    "another network": {"model": {"architecture": "lenet"}},
    "longer training": {"train": {"epochs": 21}},
    "another recipe": {"compress": {"steps": [{"quantize": {}}]}},
    "more instances": {"deploy": {"instances": 2}},
}


def test_a_name_is_the_same_on_every_machine() -> None:
    assert build_name("digits", spec()) == "digits-build-14186a43"


@pytest.mark.parametrize("change", SAME)
def test_it_stays_the_same_revision_with(change: str) -> None:
    assert build_name("digits", spec(**SAME[change])) == build_name("digits", spec())


@pytest.mark.parametrize("change", OTHER)
def test_it_is_another_revision_with(change: str) -> None:
    assert build_name("digits", spec(**OTHER[change])) != build_name("digits", spec())


def test_a_condition_moves_in_time_only_when_its_status_does() -> None:
    def said(status: str, reason: Reason, when: float) -> Condition:
        return Condition.model_validate(
            {
                "type": "Ready",
                "status": status,
                "reason": reason,
                "message": "m",
                "last_transition_time": timestamp(when),
            }
        )

    before = [said("Unknown", Reason.PENDING, 100.0)]
    same = Fact(ConditionType.READY, "Unknown", Reason.IN_PROGRESS, "m")
    moved = Fact(ConditionType.READY, "True", Reason.SUCCEEDED, "m")
    assert dated([same], before, 200.0) == (said("Unknown", Reason.IN_PROGRESS, 100.0),)
    assert dated([moved], before, 200.0) == (said("True", Reason.SUCCEEDED, 200.0),)
    assert dated([moved], [], 200.0) == (said("True", Reason.SUCCEEDED, 200.0),)

"""Where a build keeps what it learns, and so what another build goes on from."""

from pathlib import Path
from typing import Any

import pytest

from lepton.report import DataReport
from lepton.spec.train import PLACEMENT, Train
from lepton.train.data.prepared import Prepared
from services.worker.build import _first_training
from tests.contract.harness import digits

REPORT = DataReport(
    train=8, validation=1, test=1, per_class={"a": 5, "b": 5}, corrupt=0, duplicates=0, image_shape=(8, 8, 1)
)
PREPARED = Prepared(Path("data"), ("a", "b"), (8, 8, 1), (0.5,), (0.5,), "sha256:1", REPORT)
ELSEWHERE: dict[str, Any] = {
    "resources": {"gpu": 1, "memory": "8Gi"},
    "nodeSelector": {"pool": "gpu"},
    "tolerations": [{"operator": "Exists"}],
    "queue": "vision",
    "deadlineMinutes": 60,
}


def folder(**train: object) -> Path:
    return _first_training(digits(train=train), PREPARED, Path("work")).directory


@pytest.mark.parametrize("field", ELSEWHERE)
def test_a_build_elsewhere_or_with_a_later_deadline_goes_on_from_what_was_learnt(field: str) -> None:
    assert folder(**{field: ELSEWHERE[field]}) == folder()


def test_a_build_that_learns_otherwise_begins_anew() -> None:
    assert folder(seed=1) != folder()
    assert {Train.model_fields[name].alias for name in PLACEMENT} == set(ELSEWHERE)

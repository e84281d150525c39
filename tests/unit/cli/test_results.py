"""What is read of a revision's artifact."""

from dataclasses import replace
from pathlib import Path

import pytest

from lepton.cli.results import Result, holdout
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason


def test_an_artifact_without_its_held_out_images_is_corrupt(result: Result, tmp_path: Path) -> None:
    record = result.record.model_copy(update={"artifact": str(tmp_path)})
    with pytest.raises(LeptonError) as failure:
        holdout(replace(result, record=record))
    assert (failure.value.reason, failure.value.message) == (
        Reason.ARTIFACT_CORRUPT,
        f"{tmp_path}/holdout.zip is missing: delete the model and apply it again",
    )

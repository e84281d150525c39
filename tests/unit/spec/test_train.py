"""Defaults of training that depend on the data."""

import pytest

from lepton.spec.train import Train


@pytest.mark.parametrize(
    ("given", "examples", "batch"), [(None, 50_000, 64), (None, 43, 4), (None, 5, 2), (128, 43, 128)]
)
def test_few_examples_make_small_batches_unless_the_user_says_otherwise(
    given: int | None, examples: int, batch: int
) -> None:
    assert Train(batch_size=given).batch_size_for(examples) == batch

"""Budgets are in percent, and a share given by mistake would prove nothing."""

import pytest
from pydantic import ValidationError

from lepton.spec.gate import Gate


def test_a_share_where_percent_are_asked_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"must be in percent, such as 95 rather than 0\.95"):
        Gate(min_accuracy=0.95)


def test_percent_and_nothing_at_all_are_taken() -> None:
    assert (Gate(min_accuracy=95).min_accuracy, Gate(min_accuracy=0).min_accuracy) == (95, 0)

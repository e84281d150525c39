"""Quantities in the one form in which the API server gives them back (tests/cluster/test_manifests.py asks it)."""

import pytest

from lepton.backends.kubernetes.render.quantity import cores, memory


@pytest.mark.parametrize(
    ("given", "told"), [(1, "1"), (0.5, "500m"), (1.5, "1500m"), (16, "16"), (0.001, "1m"), (0.0314, "31m")]
)
def test_cores_are_whole_or_thousandths(given: float, told: str) -> None:
    assert cores(given) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("1Gi", "1Gi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000Mi", "1000Mi"),
        ("0.1Gi", "107374183"),
        ("8G", "8G"),
        ("0.5G", "500M"),
        ("1000000000", "1G"),
        ("2147483648", "2147483648"),
        ("1048576Ti", "1Ei"),
        ("3000k", "3M"),
    ],
)
def test_memory_is_in_the_largest_unit_that_leaves_it_whole(given: str, told: str) -> None:
    assert memory(given) == told

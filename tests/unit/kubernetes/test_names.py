"""Names of workloads: one for each variant, artifact and engine, short enough for all that is made of them."""

from typing import Any

import pytest

from lepton.backends.kubernetes.names import LONGEST_RAY_JOB, deployment_name, engine_of, workload_name
from lepton.plan.preview import UNKNOWN
from lepton.plan.types import Key
from lepton.spec.deploy import Deploy

PETS, LONG, LONGER = Key("zoo", "pets"), Key("zoo", "m" * 40), Key("zoo", f"{'m' * 39}n")
LONGEST_LABEL = 63


def test_a_workload_tells_whose_it_is_what_it_serves_and_who_makes_it() -> None:
    assert workload_name(PETS, "served", "sha256:abcdef0123", "triton") == "pets-served-abcdef01"
    assert workload_name(PETS, "baseline", "sha256:abcdef0123", "kserve") == "pets-baseline-abcdef01-kserve"
    assert workload_name(PETS, "served", "sha256:abcdef0123", "rayserve") == "pets-served-abcdef01-rayserve"


def test_what_is_not_built_yet_is_named_as_it_will_be_but_for_its_hash() -> None:
    for key in (PETS, LONG):
        made, foretold = (workload_name(key, "served", f"sha256:{one}", "kserve") for one in ("abcdef01", UNKNOWN))
        start, hashed, end = made.rsplit("-", 2)
        assert (len(hashed), foretold) == (8, f"{start}-{UNKNOWN}-{end}")


@pytest.mark.parametrize(
    ("wanted", "has_kserve", "engine"),
    [
        ("auto", True, "kserve"),
        ("auto", False, "triton"),
        ("triton", True, "triton"),
        ("kserve", False, "kserve"),
    ],
)
def test_auto_is_kserve_where_that_is_installed(wanted: Any, has_kserve: bool, engine: str) -> None:
    assert engine_of(Deploy(engine=wanted), has_kserve) == engine


def test_the_deployment_of_a_workload_is_its_own_or_the_one_that_kserve_makes() -> None:
    assert deployment_name("pets-served-abcdef01") == "pets-served-abcdef01"
    assert deployment_name("pets-served-abcdef01-kserve") == "pets-served-abcdef01-kserve-predictor"


def test_no_two_workloads_share_a_name_and_kserve_and_kuberay_take_each() -> None:
    digests = ("sha256:abcdef0123", "sha256:abcdef9999", "sha256:0123456789")
    names = {
        workload_name(key, variant, digest, engine)
        for key in (LONG, LONGER)
        for variant in ("served", "baseline")
        for digest in digests
        for engine in ("triton", "kserve", "rayserve")
    }
    assert len(names) == 36
    assert max(map(len, names)) <= LONGEST_RAY_JOB
    assert max(len(f"isvc.{name}-predictor") for name in names) <= LONGEST_LABEL

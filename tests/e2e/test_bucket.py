"""One team's namespace: an operator with rights there alone, beside that of others, and artifacts in a bucket.

The S3 is a process of the tests, which checks keys and signatures. LEPTON_E2E_HOST is the address at which the pods of
the cluster reach the machine that runs the tests; that of the node where it is not set.
"""

import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.caller import answers
from tests.e2e.conftest import NAMESPACE, RESTRICTED, helm, release
from tests.e2e.model import LM, QUICK, Model
from tests.node.kube import Kube
from tests.node.network import ADDRESS
from tests.programs.programs import ROOT
from tests.real.storage.servers import make_bucket, names, s3_server

pytestmark = pytest.mark.timeout(900)
TEAM = "team-a"
STORE = "s3://models/lepton"
PRESET = ROOT / "charts" / "lepton" / "presets" / "namespaced.yaml"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which somebody works with it; this process does."""
    log = tmp_path_factory.mktemp("s3") / "log"
    with (
        s3_server(log, os.environ.get("LEPTON_E2E_HOST", ADDRESS)) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        make_bucket("s3://models")
        yield dict(environment)


@pytest.fixture(scope="module")
def model(kube: Kube, bucket: dict[str, str]) -> Iterator[Model]:
    """Of a team whose release looks after its namespace alone; the other release leaves that alone meanwhile."""
    release("upgrade", "--set", "watch.namespace=default")
    named = {"name": "lepton-store", "namespace": TEAM}
    kube.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": RESTRICTED}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": named, "stringData": bucket},
    )
    port = int(bucket["AWS_ENDPOINT_URL"].rpartition(":")[2])
    wanted = f"watch.namespace={TEAM},settings.artifacts={STORE},settings.secret=lepton-store"
    reached = json.dumps([{"ports": [{"port": port, "protocol": "TCP"}]}])
    preset = ("--values", str(PRESET), "--set", wanted, "--set-json", f"networkPolicies.stores={reached}")
    release("install", *preset, namespace=TEAM)
    yield Model(kube, "digits", TEAM)
    helm("uninstall", "lepton", "--wait", namespace=TEAM)
    kube.run("delete", "namespace", TEAM, "--wait=false")
    release("upgrade")


def test_each_operator_may_look_after_its_own_namespace_alone(kube: Kube, model: Model) -> None:
    assert [
        (home, there) for home in (NAMESPACE, TEAM) for there in ("default", TEAM) if may_watch(kube, home, there)
    ] == [
        (NAMESPACE, "default"),
        (TEAM, TEAM),
    ]


def test_progress_is_told_while_it_trains(model: Model) -> None:
    model.apply({**QUICK, "train": {"epochs": 40}})
    model.until(lambda: "epoch" in model.status().get("candidate", {}).get("message", ""), "an epoch is told")


def test_it_is_built_into_the_bucket_and_served_from_there(model: Model) -> None:
    model.until(model.serves(1), "it serves")
    model.until(lambda: answers(model.address()), "the Gateway routes by what it has accepted", 15)
    (revision,) = model.status()["revisions"]
    assert revision["artifact"] == f"{STORE}/{TEAM}/digits/{revision['name']}"
    assert {"digest", "report.json", "gate.json"} <= set(names(revision["artifact"]))


def test_when_it_is_deleted_nothing_is_left_in_the_bucket(model: Model) -> None:
    model.delete("--timeout=120s")
    assert names("s3://models") == []


def may_watch(kube: Kube, home: str, there: str) -> bool:
    """Whether the operator of one namespace may watch models in another."""
    account = f"system:serviceaccount:{home}:lepton-operator"
    return kube.ask("auth", "can-i", "watch", LM, "--namespace", there, "--as", account).returncode == 0

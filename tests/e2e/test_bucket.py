"""One team's namespace: an operator with rights there alone, beside that of others, and artifacts in a bucket.

The S3 is a process of the tests, which checks keys and signatures. LEPTON_E2E_HOST is the address at which the pods of
the cluster reach the machine that runs the tests; that of the node where it is not set.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from lepton.backends.kubernetes.settings import GRPC_PORT, HTTP_PORT
from lepton.spec.status import EndpointAddress
from lepton.train.data.sources.digits import Digits
from tests.e2e.caller import Caller, answers
from tests.e2e.commands import lepton
from tests.e2e.conftest import NAMESPACE, RESTRICTED, helm, release
from tests.e2e.model import LM, QUICK, Model
from tests.node.kube import Kube
from tests.node.network import ADDRESS
from tests.programs.programs import ROOT
from tests.real.storage.servers import make_bucket, names, put, s3_server

pytestmark = pytest.mark.timeout(900)
TEAM = "team-a"
STORE = "s3://models/lepton"
SOURCE = "s3://digits/digits.npz"
PRESET = ROOT / "charts" / "lepton" / "presets" / "namespaced.yaml"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which somebody works with it; this process does."""
    with an_s3(tmp_path_factory.mktemp("s3") / "log") as environment, working_with(environment):
        make_bucket("s3://models")
        yield environment


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, bucket: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment in which the data are read, and the artifacts nowhere to be found: an S3 of their own."""
    with an_s3(tmp_path_factory.mktemp("source") / "log") as environment:
        with working_with(environment):
            make_bucket("s3://digits")
            put(SOURCE, digits())
        yield environment


@pytest.fixture(scope="module")
def options(bucket: dict[str, str], source: dict[str, str]) -> tuple[str, ...]:
    """What the team tells the chart."""
    reached = json.dumps([{"ports": [{"port": port_of(one), "protocol": "TCP"} for one in (bucket, source)]}])
    wanted = f"watch.namespace={TEAM},settings.artifacts={STORE},settings.secret=lepton-store"
    return ("--values", str(PRESET), "--set", wanted, "--set-json", f"networkPolicies.stores={reached}")


@pytest.fixture(scope="module")
def model(kube: Kube, bucket: dict[str, str], source: dict[str, str], options: tuple[str, ...]) -> Iterator[Model]:
    """Of a team whose release looks after its namespace alone; the other release leaves that alone meanwhile."""
    release("upgrade", "--set", "watch.namespace=default")
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": RESTRICTED}})
    for name, environment in (("lepton-store", bucket), ("digits-source", source)):
        metadata = {"name": name, "namespace": TEAM}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": environment})
    release("install", *options, namespace=TEAM)
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
    data = {"uri": SOURCE, "credentialsFrom": {"secretRef": {"name": "digits-source"}}}
    model.apply({**QUICK, "data": data, "train": {"epochs": 40}})
    model.until(lambda: "epoch" in model.status().get("candidate", {}).get("message", ""), "an epoch is told")
    printed = lepton(model.kube, "--namespace", TEAM, "logs", "digits")
    assert f"data: reading {SOURCE}\n" in printed
    assert "train: epoch 1 of 40" in printed


def test_it_is_built_into_the_bucket_and_served_from_there(model: Model) -> None:
    model.until(model.serves(1), "it serves")
    model.until(lambda: answers(model.address()), "the Gateway routes by what it has accepted", 15)
    (revision,) = model.status()["revisions"]
    assert revision["artifact"] == f"{STORE}/{TEAM}/digits/{revision['name']}"
    assert {"digest", "report.json", "gate.json"} <= set(names(revision["artifact"]))


def test_the_command_reads_its_report_out_of_the_bucket(model: Model) -> None:
    ask = partial(lepton, model.kube, "--namespace", TEAM)
    assert "digits, revision 1: gate passed" in ask("report", "digits")
    told = json.loads(ask("report", "digits", "--output", "json"))
    assert told["report"]["lineage"]["dataUri"] == SOURCE
    assert told["gate"]["revision"] == 1
    assert "gate: checking the budgets" in ask("logs", "digits")


@pytest.mark.own_node
def test_without_a_gateway_its_service_leads_users_from_engine_to_engine_and_misses_no_answer(
    model: Model, options: tuple[str, ...]
) -> None:
    release("upgrade", *options, "--set", "settings.gateway=null", namespace=TEAM)
    model.until(lambda: model.objects("httproutes,grpcroutes") == [], "no route is left", 60)
    model.until(lambda: model.address().http == "http://digits.team-a.svc:8000", "the status names the Service", 30)
    with Caller(through_the_service(model)) as caller:
        model.edit(deploy={"engine": "triton"})
        model.until(lambda: model.objects("inferenceservices") == [], "nothing is left of KServe's")
        model.until(model.serves(1), "it still serves")
        model.until(lambda: len(model.objects("pods", ",leptonml.dev/workload")) == 1, "the one before is gone", 60)
        before = dict(caller.answers)
        model.until(lambda: all(caller.answers[one] > before[one] + 20 for one in before), "both protocols answer", 60)
    assert caller.errors == []
    assert min(before.values()) > 20


def test_when_it_is_deleted_nothing_is_left_in_the_bucket(model: Model) -> None:
    model.delete("--timeout=120s")
    assert names("s3://models") == []


def may_watch(kube: Kube, home: str, there: str) -> bool:
    """Whether the operator of one namespace may watch models in another."""
    account = f"system:serviceaccount:{home}:lepton-operator"
    return kube.ask("auth", "can-i", "watch", LM, "--namespace", there, "--as", account).returncode == 0


def through_the_service(model: Model) -> EndpointAddress:
    """Where a model answers that has no Gateway: a name for pods, and an address for the node itself."""
    service = model.kube.find("service", model.name, model.namespace) or {}
    host = service["spec"]["clusterIP"]
    return EndpointAddress(http=f"http://{host}:{HTTP_PORT}", grpc=f"{host}:{GRPC_PORT}", model=model.name)


@contextmanager
def an_s3(log: Path) -> Iterator[dict[str, str]]:
    """One that the pods of the cluster reach; the environment in which its only user works with it."""
    with s3_server(log, os.environ.get("LEPTON_E2E_HOST", ADDRESS)) as environment:
        yield dict(environment)


@contextmanager
def working_with(environment: dict[str, str]) -> Iterator[None]:
    """Let this process be that user until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


def port_of(environment: dict[str, str]) -> int:
    return int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2])


def digits() -> bytes:
    """All of them, as an NPZ file."""
    of = Digits()
    file = BytesIO()
    np.savez(file, x=np.stack(list(of.read(range(len(of.labels))))), y=of.labels)
    return file.getvalue()

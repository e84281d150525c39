"""Every verb of the command against a real API server, with the operator and a world in which mostly all goes well."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import config

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.jobs import REPORT, order_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL, POD, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL
from lepton.backends.kubernetes.store import MANAGER, Store
from lepton.cli.cluster.checks import why_idle
from lepton.cli.cluster.refusals import problems_of
from lepton.plan.types import Key
from lepton.report import Failure
from lepton.spec.load import load
from lepton.spec.reasons import Reason
from lepton.spec.resource import RETRIED_AT
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import NODE, kubelet
from tests.cluster.operator import Operator
from tests.cluster.player import Player
from tests.cluster.world import token
from tests.installation import wait_until
from tests.unit.cli.command import lepton

NAMESPACE = "default"
WITHOUT_DATA = Failure(reason=Reason.DATA_NOT_FOUND, message="data.uri s3://x does not exist", stage="data")
PATIENCE_S = 60.0


class Choosy(Player):
    """Lets the first attempt of every build of a model fail whose name begins with `lost`."""

    async def play_once(self, key: Key) -> None:
        if key.name.startswith("lost"):
            for name, config_map in list(self.world.cache.owned(key, CONFIG_MAP).items()):
                order = order_of(config_map)
                if (order.kind, order.attempt) == ("build", 0) and REPORT not in config_map["data"]:
                    await self.world.report(key, name, failure=WITHOUT_DATA, finished_at=time.time())
                    return
        await super().play_once(key)


@dataclass(frozen=True)
class Answer:
    """What one command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Cluster:
    """A cluster with an operator and a world, and the command that works on it."""

    plane: ControlPlane
    operator: Operator
    capture: Callable[[], tuple[str, str]]

    def lepton(self, *words: str | Path) -> Answer:
        code = lepton("--context", "tests", *words)
        return Answer(code, *self.capture())

    def ok(self, *words: str | Path) -> str:
        answer = self.lepton(*words)
        assert answer.code == 0, answer.err
        return answer.out

    def ask(self, question: Callable[[Client], Any]) -> Any:
        """Ask the API server as its administrator."""

        return asked(self.plane, question)

    def live(self, name: str) -> Object:
        """The LeptonModel as it is."""
        return self.ask(lambda client: client.get(LEPTON_MODEL, NAMESPACE, name))


def asked(plane: ControlPlane, question: Callable[[Client], Any]) -> Any:
    """What the API server answers its administrator."""

    async def ask() -> Any:
        async with await config.new_client_from_config(str(plane.kubeconfig)) as api:
            return await question(Client(api))

    return asyncio.run(ask())


@contextmanager
def played(plane: ControlPlane) -> Iterator[None]:
    """A world that goes on in a thread; nothing of it is left afterwards."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def play() -> None:
        player = Choosy(plane.kubeconfig)
        async with player.world as world:
            task = asyncio.create_task(player.play())
            ready.set()
            await over.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await world.clean()

    thread = threading.Thread(target=loop.run_until_complete, args=(play(),), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    yield
    loop.call_soon_threadsafe(over.set)
    thread.join(PATIENCE_S)
    loop.close()


@pytest.fixture(scope="module")
def running(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path_factory.mktemp("cli") / "operator")
    made.start()
    with played(control_plane):
        wait_until(lambda: asked(control_plane, why_idle) is None, "the operator holds its lease", PATIENCE_S)
        yield made
    made.kill()


@pytest.fixture
def cluster(
    control_plane: ControlPlane,
    running: Operator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Cluster:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    monkeypatch.setenv("LEPTON_HOME", str(tmp_path / "no-home"))
    return Cluster(control_plane, running, lambda: tuple(capsys.readouterr()))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def write(name: str, text: str = "train: {epochs: 3}") -> Path:
        path = tmp_path_factory.mktemp("files") / f"{name}.yaml"
        head = f"apiVersion: leptonml.dev/v1alpha1\nkind: LeptonModel\nmetadata: {{name: {name}}}\n"
        path.write_text(f'{head}spec:\n  task: image-classification\n  data: {{uri: "sklearn://digits"}}\n  {text}\n')
        return path

    return write


File = Callable[..., Path]


def writes(plane: ControlPlane) -> list[str]:
    """All that anybody but the control plane itself has made, changed or deleted in the namespace of the models."""
    events = [json.loads(line) for line in plane.audit.read_text().splitlines()]
    return [
        f"{one['verb']} {one['objectRef'].get('resource')} {one['objectRef'].get('name')}"
        for one in events
        if one["verb"] not in ("get", "list", "watch")
        and one.get("objectRef", {}).get("namespace") == NAMESPACE
        and "dryRun=All" not in one["requestURI"]
    ]


def test_a_model_is_applied_followed_shown_and_deleted(cluster: Cluster, file: File) -> None:
    path = file("life")
    assert cluster.ok("apply", "-f", path, "--wait") == ("life created\nlife serves at http://life.default.svc:8000\n")
    assert cluster.ok("apply", "-f", path) == "life unchanged\n"
    assert cluster.ok("wait", "life", "--timeout", "60") == "life serves at http://life.default.svc:8000\n"
    assert cluster.ok("get").split()[:2] == ["NAME", "PHASE"]
    assert "revision 1 answers" in cluster.ok("get", "life")
    assert json.loads(cluster.ok("get", "life", "-o", "json"))["status"]["phase"] == "Serving"
    (shown,) = load(cluster.ok("get", "life", "-o", "yaml")).models
    assert shown.spec.train.epochs == 3
    assert "revision 1 met every budget" in cluster.ok("describe", "life")
    assert cluster.ok("delete", "life") == "life deleted\n"
    assert cluster.lepton("get", "life").err == (
        "error: there is no model named 'life'; none has been applied yet: `lepton apply -f FILE`\n"
    )


def test_the_command_owns_what_it_applied_and_no_more(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("owned", "train: {epochs: 3}\n  suspend: true"))
    fields = {
        one["operation"]: one["fieldsV1"]["f:spec"]
        for one in cluster.live("owned")["metadata"]["managedFields"]
        if one["manager"] == MANAGER
    }
    assert fields == {
        "Apply": {"f:data": {"f:uri": {}}, "f:suspend": {}, "f:task": {}, "f:train": {"f:epochs": {}}},
    }
    changed = {"spec": {"deploy": {"instances": 2}}}
    cluster.ask(lambda client: client.merge(LEPTON_MODEL, NAMESPACE, "owned", changed))
    answer = cluster.lepton("apply", "-f", file("owned", "train: {epochs: 4}"))
    assert (answer.code, answer.out) == (0, "owned configured\n")
    assert answer.err == (
        "owned: deploy.instances stays 2: the file leaves it out and something else set it; "
        "to change it, give it in the file\n"
    )
    assert cluster.live("owned")["spec"] == {
        "task": "image-classification",
        "data": {"uri": "sklearn://digits"},
        "deploy": {"instances": 2},
        "train": {"epochs": 4},
    }
    cluster.ok("delete", "owned")


def test_suspend_resume_and_rollback_are_one_field_each(cluster: Cluster, file: File) -> None:
    first, second = file("fields"), file("fields", "train: {epochs: 4}")
    cluster.ok("apply", "-f", first, "--wait")
    before = cluster.live("fields")["spec"]
    assert cluster.ok("suspend", "fields") == "fields suspended; what serves goes on\n"
    assert cluster.live("fields")["spec"] == {**before, "suspend": True}
    assert cluster.ok("resume", "fields") == "fields resumed\n"
    assert cluster.live("fields")["spec"] == {**before, "suspend": False}
    cluster.ok("apply", "-f", second, "--wait")
    after = cluster.live("fields")["spec"]
    assert after == {**before, "train": {"epochs": 4}}
    assert cluster.ok("rollback", "fields").startswith("fields goes to revision 1: spec.revision pins it")
    assert cluster.live("fields")["spec"] == {**after, "revision": 1}
    cluster.ok("wait", "fields")
    assert cluster.live("fields")["status"]["serving"]["revision"] == 1
    assert cluster.ok("rollback", "fields", "--undo") == "fields goes to what its spec asks for\n"
    assert cluster.live("fields")["spec"] == after
    cluster.ok("wait", "fields")
    assert cluster.lepton("rollback", "fields", "--to", "9").err == (
        "error: fields does not have revision 9 that can be served; those that can: 2, 1\n"
    )
    cluster.ok("delete", "fields")


def test_what_failed_is_told_and_tried_again_when_asked_for(cluster: Cluster, file: File) -> None:
    answer = cluster.lepton("apply", "-f", file("lost"), "--wait")
    assert (answer.code, answer.out) == (1, "lost created\n")
    assert answer.err.endswith("error: lost: DataNotFound: data.uri s3://x does not exist\n")
    assert cluster.ok("retry", "lost") == "lost: what failed is tried again\n"
    assert RETRIED_AT in cluster.live("lost")["metadata"]["annotations"]
    cluster.ok("wait", "lost", "--timeout", "60")
    assert cluster.lepton("retry", "lost").err == (
        "error: nothing of lost has failed (Serving): there is nothing to retry\n"
    )
    cluster.ok("delete", "lost")


def test_a_plan_says_what_would_change_and_changes_nothing(cluster: Cluster, file: File) -> None:
    def planned(path: Path) -> str:
        before = writes(cluster.plane)
        said = cluster.ok("plan", "-f", path)
        assert writes(cluster.plane) == before
        return said

    first, second = file("planned"), file("planned", "train: {epochs: 4}")
    new = planned(first)
    assert new.startswith("planned would be created\n")
    assert "comes: Service planned, servers planned-served-????????" in new
    cluster.ok("apply", "-f", first, "--wait")
    wait_until(lambda: not cluster.ask(_baselines), "the gate's servers are gone", PATIENCE_S)
    assert planned(first) == "planned would stay as it is\n"
    changed = planned(second)
    assert changed.startswith("planned would change; in the end revision 2 serves, after a build\n")
    assert "train.epochs: 3 -> 4" in changed
    cluster.ok("apply", "-f", second, "--wait")
    wait_until(lambda: not cluster.ask(_baselines), "the gate's servers are gone", PATIENCE_S)
    foretold = {word for word in changed.split() if word.startswith("planned-build-")}
    there = cluster.ask(lambda client: client.list(CONFIG_MAP, NAMESPACE, f"{MODEL}=planned"))[0]
    assert foretold & {one["metadata"]["name"] for one in there}
    back = planned(first)
    assert back.startswith("planned would change; in the end revision 1 serves, without a build\n")
    cluster.ok("delete", "planned")


async def _baselines(client: Client) -> list[Object]:
    deployments = Kind("apps/v1", "Deployment", "deployments")
    found, _ = await client.list(deployments, NAMESPACE, f"{MODEL}=planned")
    return [one for one in found if "-baseline-" in one["metadata"]["name"]]


def test_the_logs_are_those_of_the_newest_attempt(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("logged"), "--wait")
    assert cluster.lepton("logs", "logged").err == (
        "error: revision 1 of logged has not printed anything yet: `lepton logs logged -f` waits\n"
    )
    lines = ["2026-11-21T17:00:00.1Z gate: asks the candidate", "2026-11-21T17:00:00.2Z gate: done"]
    with kubelet(lines) as (port, asked):

        async def run_the_gate(client: Client) -> str:
            """Do as scheduler and kubelet do."""
            await _add_node(client, port)
            gates, _ = await client.list(POD, NAMESPACE, f"{MODEL}=logged,{JOB_LABEL}")
            (pod,) = [one for one in gates if "-gate-" in one["metadata"]["name"]]
            name = pod["metadata"]["name"]
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"name": NODE}}
            await client._request("POST", f"{POD.path(NAMESPACE, name)}/binding", {}, binding)
            return str(name)

        async def see_the_pod_off(client: Client) -> None:
            """Do as the kubelet does when the pod is deleted."""
            await client._request("DELETE", POD.path(NAMESPACE, pod), {}, {"gracePeriodSeconds": 0})

        pod = cluster.ask(run_the_gate)
        assert cluster.ok("logs", "logged") == "gate: asks the candidate\ngate: done\n"
        assert {path.split("?")[0] for path in asked} == {f"/containerLogs/{NAMESPACE}/{pod}/gate"}
        cluster.ask(see_the_pod_off)
    cluster.ok("delete", "logged")


async def _add_node(client: Client, port: int) -> None:
    node = Kind("v1", "Node", "nodes")
    await client.apply(node, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    changes = {"status": status}
    path = f"{node.path(None, NODE)}/status"
    await client._request("PATCH", path, {}, changes, "application/merge-patch+json")


def test_predict_and_report_say_why_there_is_no_answer(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("asked"), "--wait")
    http = cluster.lepton("predict", "asked", "[[1]]")
    assert http.err.startswith("error: nothing answers at asked.default.svc:8000 (http): `lepton doctor`")
    grpc = cluster.lepton("predict", "asked", "[[1]]", "--protocol", "grpc")
    assert "asked.default.svc:8001 can't be reached from here" in grpc.err
    assert (http.code, grpc.code) == (1, 1)
    assert "s3://models/asked-build-" in cluster.lepton("report", "asked").err
    cluster.ok("delete", "asked")


def test_doctor_tells_what_the_cluster_has_and_lacks(cluster: Cluster) -> None:
    answer = cluster.lepton("doctor")
    assert answer.code == 0
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "ok CRD leptonml.dev/v1alpha1, the same as this command's" in lines
    assert "ok operator works, in namespace lepton-system" in lines
    assert "ok KubeRay ray.io/v1" in lines
    assert "warning KServe is not installed; it serves" in lines
    assert "warning claim lepton is not there; jobs keep checkpoints on it" in lines


def test_validate_lets_the_api_server_judge_and_store_nothing(cluster: Cluster, file: File) -> None:
    answer = cluster.lepton("validate", "-f", file("judged"))
    assert (answer.code, answer.out) == (0, "judged is valid\n")
    local = cluster.lepton("validate", "-f", _with_path(file("judged")))
    assert "warning: judged: data.uri: pets/ is a path that pods must see" in local.err
    assert "there is no model named 'judged'" in cluster.lepton("get", "judged").err


def _with_path(path: Path) -> Path:
    path.write_text(path.read_text().replace("sklearn://digits", "pets/"))
    return path


BAD = {
    "a number out of range": {"train": {"epochs": 0}},
    "a word that is not known": {"train": {"schedule": "sometimes"}},
    "a number where text is due": {"data": {"uri": 7}},
    "a field that is missing": {"data": None},
    "a field that does not exist": {"tusk": 1},
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_refusal_of_the_api_server_names_the_field_as_validate_does(cluster: Cluster, sentence: str) -> None:
    spec = {"task": "image-classification", "data": {"uri": "sklearn://digits"}, **BAD[sentence]}
    document = {
        "apiVersion": LEPTON_MODEL.api_version,
        "kind": LEPTON_MODEL.name,
        "metadata": {"name": "bad", "namespace": NAMESPACE},
        "spec": {name: value for name, value in spec.items() if value is not None},
    }

    async def refused(client: Client) -> ApiError:
        with pytest.raises(ApiError) as error:
            await Store(client, NAMESPACE)._apply(document)
        return error.value

    (told,) = problems_of(cluster.ask(refused), document)
    (expected,) = load(json.dumps(document)).problems
    assert told.field == expected.field
    if sentence != "a field that does not exist":  # only the cluster knows which fields its CRD has
        assert (told.wrong, told.allowed) == (expected.wrong, expected.allowed.removesuffix(", in quotes"))


def test_a_deletion_says_what_it_waits_for(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("held"), "--wait")

    async def hold(client: Client) -> str:
        found, _ = await client.list(CONFIG_MAP, NAMESPACE, f"{MODEL}=held")
        name: str = next(one["metadata"]["name"] for one in found if "-build-" in one["metadata"]["name"])
        await client.merge(CONFIG_MAP, NAMESPACE, name, {"metadata": {"finalizers": ["tests/held"]}})
        return name

    name = cluster.ask(hold)
    with command(cluster, "delete", "held") as process:
        assert process.stderr is not None
        assert any(f"ConfigMap {name}" in line for line in process.stderr)
        changes = {"metadata": {"finalizers": None}}
        cluster.ask(lambda client: client.merge(CONFIG_MAP, NAMESPACE, name, changes))
        assert process.wait(PATIENCE_S) == 0


def test_get_w_tells_every_change_until_it_is_interrupted(cluster: Cluster, file: File) -> None:
    path = file("seen")
    cluster.ok("apply", "-f", path)
    cluster.ok("wait", "seen")
    with command(cluster, "get", "seen", "-w") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "seen\tServing\trevision 1 answers\n"
        cluster.ok("suspend", "seen")
        assert any(line.startswith("seen\tSuspended") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    cluster.ok("delete", "seen")


@contextmanager
def command(cluster: Cluster, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which hears SIGINT even where the tests run in the background."""
    line = [
        "env",
        "--default-signal=INT",
        sys.executable,
        "-c",
        "from lepton.cli.app import main; main()",
        "--context",
        "tests",
        *words,
    ]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, env={**os.environ, "PYTHONUNBUFFERED": "1"}, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("who", ["unknown", "stranger", "nobody there"])
def test_who_may_not_or_can_not_is_told_in_one_sentence(
    who: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    text = asyncio.run(token(cluster.plane.kubeconfig, NAMESPACE, "default")) if who == "stranger" else "expired"
    cluster.plane.write_kubeconfig(kubeconfig, text)
    if who == "nobody there":
        kubeconfig.write_text(kubeconfig.read_text().replace(cluster.plane.url, "https://127.0.0.1:1"))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    said = {
        "unknown": "does not know you (its token may have expired): log in again as you do for kubectl",
        "stranger": 'forbids it: leptonmodels.leptonml.dev is forbidden: User "system:serviceaccount:default:default" '
        'cannot list resource "leptonmodels" in API group "leptonml.dev" in the namespace "default": '
        "ask whoever runs it for that right",
        "nobody there": "see that it is up, and that this machine gets there",
    }[who]
    answer = cluster.lepton("get")
    assert answer.code == 1
    assert answer.err.count("\n") == 1
    assert said in answer.err

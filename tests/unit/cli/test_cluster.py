"""The command on a cluster, where no real API server can show it: behind its proxies, and with a bad kubeconfig.

An HTTP server on the loopback address plays the API server; tests/cluster/cli has a real one.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from lepton.jobdir import JobOrder
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress
from tests.unit.cli.command import lepton

MODELS = "/apis/leptonml.dev/v1alpha1/namespaces/team/leptonmodels"
PROXIED = "/api/v1/namespaces/team/services"
PROXY = f"{PROXIED}/digits:http/proxy/v2/models/digits"
CONFIG_MAPS = "/api/v1/namespaces/team/configmaps"
RUN = "/apis/ray.io/v1/namespaces/team/rayjobs/digits-build-00000001-0"
LOGS = f"{PROXIED}/cluster-head-svc:dashboard/proxy/api/jobs/job-1/logs"
ANSWERS = {
    "outputs": [
        {"name": "label", "datatype": "BYTES", "shape": [1, 1], "data": ["4"]},
        {"name": "probability", "datatype": "FP32", "shape": [1, 1], "data": [0.9]},
        {"name": "top_k_labels", "datatype": "BYTES", "shape": [1, 2], "data": ["4", "6"]},
        {"name": "top_k_probabilities", "datatype": "FP32", "shape": [1, 2], "data": [0.9, 0.1]},
    ]
}


@dataclass
class Played:
    """What is at each path, and what was asked."""

    content: dict[str, Any] = field(default_factory=dict)
    """JSON by path, or bytes as they are; a number is a refusal."""
    asked: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    played = Played()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            played.asked.append((self.command, path, self.headers, body))
            found = played.content.get(path, 404)
            self.send_response(found if isinstance(found, int) else 200)
            self.end_headers()
            body = b"404 page not found" if isinstance(found, int) else found
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        do_POST = do_PATCH = do_GET  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}")))
        yield played
        server.shutdown()


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    context = {"cluster": "fake", "user": "me", "namespace": "team"}
    document = {
        "clusters": [{"name": "fake", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
        "contexts": [{"name": "fake", "context": context}, {"name": "broken", "context": {"cluster": "gone"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def at(model: LeptonModel) -> dict[str, Any]:
    """The object as the API server has it."""
    document = model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    status = model.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = {"name": "digits", "namespace": "team", "resourceVersion": "7", "uid": "1"}
    return {**document, "metadata": metadata, "status": status}


def test_predict_needs_no_way_into_the_cluster_but_the_api_server(
    api: Played, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = EndpointAddress(http="http://127.0.0.1:1", grpc="127.0.0.1:1", model="digits")
    model = serving.model_copy(update={"status": serving.status.model_copy(update={"endpoint": inside})})
    api.content = {
        f"{MODELS}/digits": at(model),
        PROXY: {"inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 1, 1, 1]}]},
        f"{PROXY}/infer": ANSWERS,
    }
    assert lepton("--context", "fake", "predict", "digits", "[[7]]", "-o", "json") == 0
    (answer,) = json.loads(capsys.readouterr().out)["predictions"]
    assert (answer["label"], answer["topK"][1]["label"]) == ("4", "6")
    method, path, headers, body = api.asked[-1]
    assert (method, path, headers["Authorization"]) == ("POST", f"{PROXY}/infer", "Bearer secret")
    length = int(headers["Inference-Header-Content-Length"])
    assert json.loads(body[:length])["inputs"][0]["name"] == "image"
    assert body[length:]


def test_the_log_of_a_build_is_that_of_its_driver(
    api: Played, training: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = training.status.revisions
    order = JobOrder(name=record.name, kind="build", model="digits", revision=1, attempt=0, arguments={})
    config_map = {"metadata": {"name": record.name}, "data": {"order.json": order.model_dump_json()}}
    status = {"rayClusterName": "cluster", "jobId": "job-1"}
    api.content = {
        f"{MODELS}/digits": at(training),
        CONFIG_MAPS: {"items": [config_map], "metadata": {"resourceVersion": "1"}},
        RUN: {
            "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
            "status": status,
        },
        LOGS: {"logs": "train: epoch 1 of 3\n"},
    }
    assert lepton("--context", "fake", "logs", "digits") == 0
    assert capsys.readouterr().out == "train: epoch 1 of 3\n"


def test_what_a_gate_prints_may_hold_anything_that_other_texts_end_lines_with(
    api: Played, training: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    order = JobOrder(name="digits-gate-1", kind="gate", model="digits", revision=1, attempt=0, arguments={})
    config_map = {"metadata": {"name": order.name}, "data": {"order.json": order.model_dump_json()}}
    made = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    pod = {"metadata": {**made, "name": "gate"}, "spec": {"containers": [{"name": "gate"}]}}
    printed = "10 %\r99 % of b\u2028c\x0bd\n"
    api.content = {
        f"{MODELS}/digits": at(training),
        CONFIG_MAPS: {"items": [config_map], "metadata": {"resourceVersion": "1"}},
        "/apis/batch/v1/namespaces/team/jobs/digits-gate-1-0": {"metadata": made},
        "/api/v1/namespaces/team/pods": {"items": [pod], "metadata": {"resourceVersion": "1"}},
        "/api/v1/namespaces/team/pods/gate/log": f"2026-01-01T00:00:01.5Z {printed}".encode(),
    }
    assert lepton("--context", "fake", "logs", "digits") == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("name", ["a/b", "..", "", "digits?x=1", "digits/status"])
def test_a_name_that_leads_elsewhere_is_no_models(name: str, api: Played, capsys: pytest.CaptureFixture[str]) -> None:
    api.content = {MODELS: {"items": [], "metadata": {"resourceVersion": "1"}}}
    assert lepton("--context", "fake", "delete", name) == 1
    assert f"there is no model named {name!r}; none has been applied yet" in capsys.readouterr().err
    assert {(method, path) for method, path, _, _ in api.asked} == {("GET", MODELS)}


def test_a_namespace_that_leads_elsewhere_is_refused(api: Played, capsys: pytest.CaptureFixture[str]) -> None:
    assert lepton("--context", "fake", "-n", "team/leptonmodels/x?", "get") == 2
    said = (
        "error: --namespace: given 'team/leptonmodels/x?'; allowed: lower-case letters, digits and hyphens; at most 63"
    )
    assert (said in " ".join(capsys.readouterr().err.split()), api.asked) == (True, [])


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"", b"\xff\xfe"])
def test_what_is_no_api_server_is_told_so(
    body: bytes, api: Played, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.content = {"/version": body, f"{MODELS}/digits": body}
    for words in (["doctor"], ["validate", "-f", file]):
        assert lepton("--context", "fake", *words) == 1
        said = " ".join(capsys.readouterr().err.split())
        assert "is no API server (a proxy, or a page to log in?): mend the server of context 'fake'" in said


def test_a_cluster_without_leptonmodels_is_told_with_what_to_do(
    api: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lepton("--context", "fake", "get") == 1
    said = "error: the cluster of context 'fake' has no LeptonModels: apply manifests/crds, or install the chart\n"
    assert capsys.readouterr().err == said


def test_a_file_belongs_to_the_namespace_of_the_context_and_to_no_other(
    api: Played, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.read_text()
    file.write_text(text.replace("name: digits", "name: digits, namespace: other"))
    assert lepton("--context", "fake", "apply", "-f", file) == 2
    said = "digits: metadata.namespace: given 'other'; allowed: team: name the other namespace with --namespace"
    assert said in " ".join(capsys.readouterr().err.split())
    file.write_text(text)
    assert lepton("--context", "fake", "plan", "-f", file) == 1
    assert "has no LeptonModels" in capsys.readouterr().err
    assert {path for _, path, _, _ in api.asked} == {f"{MODELS}/digits"}


def test_a_report_on_the_clusters_own_volume_is_told_so(
    api: Played, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, oldest = serving.status.revisions
    kept = newest.model_copy(update={"artifact": "file:///lepton/artifacts/team/digits"})
    status = serving.status.model_copy(update={"revisions": (kept, oldest)})
    api.content = {f"{MODELS}/digits": at(serving.model_copy(update={"status": status}))}
    assert lepton("--context", "fake", "report", "digits") == 1
    assert "the report lies on the cluster's own volume (file:///lepton/" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("context", "content", "code", "sentence"),
    [
        ("nosuch", None, 2, "--context: given 'nosuch', which KUBECONFIG does not have; it has: broken, fake"),
        ("broken", None, 1, "context 'broken' can't be used ("),
        ("fake", "contexts: [{name: 7, context: {}}]", 2, "KUBECONFIG does not have; it has: 7"),
        ("fake", "contexts: [{name: fake, context: {cluster: f}}]\nclusters: 7", 1, "context 'fake' can't be used ("),
        (
            "fake",
            "contexts: [{name: fake, context: {cluster: f}}]\nclusters: [{name: f, cluster: {server: 7}}]",
            1,
            "can't",
        ),
        ("fake", "contexts: 7", 2, "KUBECONFIG is no kubeconfig (TypeError): mend it"),
        ("fake", "{", 2, "KUBECONFIG is no kubeconfig (ParserError): mend it"),
        ("fake", "", 2, "--context: given 'fake', which KUBECONFIG does not have; it has: none"),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_is_named(
    context: str,
    content: str | None,
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:1")
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert lepton("--context", context, "get") == code
    answer = " ".join(capsys.readouterr().err.split())
    assert sentence.replace("KUBECONFIG", str(path)) in answer
    assert "Traceback" not in answer

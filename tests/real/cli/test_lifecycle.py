"""The command from end to end on a real Ray and a real Triton: one small model from a file to answers, and back.

Its artifacts are kept in a bucket of a local S3.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lepton.backends.local.ports import free_port
from lepton.backends.local.store import Store
from tests.real.storage.servers import make_bucket, names, s3_server
from tests.unit.metrics.test_names import queries, used

TINY = """\
apiVersion: leptonml.dev/v1alpha1
kind: LeptonModel
metadata: {name: tiny}
spec:
  task: image-classification
  data: {uri: "sklearn://digits", limit: 400}
  model: {architecture: cnn, width: 4}
  train: {epochs: 3, precision: float32}
  compress: {steps: [{quantize: {calibration: 32}}]}
  gate: {maxAccuracyDrop: 100}
"""


@dataclass(frozen=True)
class Machine:
    """An installation of its own, used through the command alone."""

    folder: Path

    def run(self, *words: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from lepton.cli.app import main; main()", *words]
        environment = {**os.environ, "LEPTON_HOME": str(self.folder / "home")}
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def ask(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        make_bucket("s3://lepton")
        yield "s3://lepton"


@pytest.fixture(scope="module")
def machine(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    (machine.folder / "tiny.yaml").write_text(TINY)
    options = ("--http-port", "--grpc-port", "--triton-metrics-port", "--metrics-port")
    try:
        machine.ask(
            "up",
            "--artifacts",
            f"{bucket}/models",
            *(word for option in options for word in (option, str(free_port()))),
        )
        yield machine
    finally:
        machine.ask("down")


@pytest.fixture(scope="module")
def first_demo(machine: Machine) -> subprocess.CompletedProcess[str]:
    return machine.run("demo", "tiny.yaml", timeout_s=280)


def test_the_demo_goes_from_a_file_to_answers_over_both_protocols(
    first_demo: subprocess.CompletedProcess[str],
) -> None:
    assert first_demo.returncode == 0, first_demo.stderr
    for stage in ("train: ", "compress: ", "gate: "):
        assert stage in first_demo.stderr
    for words in ("tiny, revision 1, serves", "HTTP p99", "over HTTP: ", "over gRPC: ", "Try next"):
        assert words in first_demo.stdout


def test_a_second_demo_builds_nothing_and_shows_the_same(
    machine: Machine, first_demo: subprocess.CompletedProcess[str]
) -> None:
    again = machine.run("demo", "tiny.yaml")

    def shown(done: subprocess.CompletedProcess[str]) -> list[str]:
        return [line for line in done.stdout.splitlines() if " over " not in line]

    assert again.returncode == 0
    assert shown(again) == shown(first_demo)
    assert "epoch" not in again.stderr


def test_both_protocols_give_the_same_answer(machine: Machine, first_demo: subprocess.CompletedProcess[str]) -> None:
    sample = str(machine.folder / "home" / "samples" / "tiny.png")
    answers = [
        json.loads(machine.ask("predict", "tiny", sample, "--protocol", protocol, "--top-k", "2", "-o", "json"))
        for protocol in ("http", "grpc")
    ]
    labels = [[prediction["topK"] for prediction in answer["predictions"]] for answer in answers]
    assert labels[0] == labels[1]
    assert len(labels[0][0]) == 2


def test_pixels_are_taken_as_nested_lists_and_as_a_v2_body(
    machine: Machine, first_demo: subprocess.CompletedProcess[str]
) -> None:
    rows = [[0] * 8] * 8
    body = {"inputs": [{"name": "image", "shape": [1, 8, 8, 1], "datatype": "UINT8", "data": [0] * 64}]}
    (machine.folder / "body.json").write_text(json.dumps(body))
    answers = [
        json.loads(machine.ask("predict", "tiny", given, "-o", "json"))["predictions"][0]["topK"]
        for given in (json.dumps(rows), "body.json")
    ]
    assert answers[0] == answers[1]


def test_a_file_that_is_no_image_is_told_in_a_sentence(
    machine: Machine, first_demo: subprocess.CompletedProcess[str]
) -> None:
    done = machine.run("predict", "tiny", "tiny.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: tiny.yaml is no image: give an image file, a folder of images, or JSON\n"


def test_the_report_and_the_logs_are_those_of_the_build(
    machine: Machine, first_demo: subprocess.CompletedProcess[str]
) -> None:
    report = json.loads(machine.ask("report", "tiny", "-o", "json"))
    assert report["gate"]["digest"] == report["revision"]["digest"]
    assert machine.ask("report", "tiny", "-o", "html").startswith("<!doctype html>")
    assert "train: epoch 1 of 3" in machine.ask("logs", "tiny")


def test_whoever_may_not_read_the_bucket_is_told_what_to_do(
    machine: Machine, bucket: str, first_demo: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
    done = machine.run("report", "tiny")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: artifact {bucket}/models/tiny/")
    assert " can't be read (Forbidden): grant access to it" in done.stderr


def test_what_cannot_be_built_ends_the_waiting_with_its_cause(machine: Machine) -> None:
    wrong = TINY.replace("name: tiny", "name: lost").replace("sklearn://digits", "nowhere/pets")
    (machine.folder / "lost.yaml").write_text(wrong)
    done = machine.run("apply", "-f", "lost.yaml", "--wait")
    assert done.returncode == 1
    assert "error: lost: DataNotFound: data.uri: nothing lies at " in done.stderr
    assert machine.run("predict", "lost", "tiny.yaml").returncode == 1


def test_prometheus_finds_here_what_the_dashboards_ask_for(
    machine: Machine, first_demo: subprocess.CompletedProcess[str]
) -> None:
    store = Store(machine.folder / "home" / "lepton.db")
    settings = store.settings()
    store.close()
    told: set[str] = set()
    for port in (settings.metrics_port, settings.triton_metrics_port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            told |= set(re.findall(r"^(\w+?)(?:_bucket)?[{ ]", answer.read().decode(), re.MULTILINE))
    asked = {name for dashboard in ("fleet", "model") for query in queries(dashboard) for name in used(query)}
    only_with_a_budget, only_while_at_work = "lepton_model_latency_budget_seconds", "lepton_candidate_progress_ratio"
    only_on_a_cluster = {
        "lepton_leader",
        "lepton_server_cpu_seconds_total",
        "lepton_server_model_info",
        "process_resident_memory_bytes",
    }
    assert asked - told == {only_with_a_budget, only_while_at_work, *only_on_a_cluster}


def test_a_deleted_model_is_gone_with_its_artifact(
    machine: Machine, bucket: str, first_demo: subprocess.CompletedProcess[str]
) -> None:
    artifact = json.loads(machine.ask("get", "tiny", "-o", "json"))["status"]["revisions"][0]["artifact"]
    assert {"digest", "gate.json", "holdout.zip", "report.json"} <= set(names(artifact))
    assert not any(path.is_file() for path in (machine.folder / "home" / "artifacts").rglob("*"))
    assert machine.ask("delete", "tiny", "lost") == "tiny deleted\nlost deleted\n"
    assert names(bucket) == []
    assert json.loads(machine.ask("get", "-o", "json"))["items"] == []

"""What get, logs and report tell of a real store."""

import json
import os
from pathlib import Path

import pytest
import yaml

from lepton.backends.local.home import Home
from lepton.backends.local.store import Store
from lepton.jobdir import JobDirectory, JobOrder
from lepton.plan.types import Key
from lepton.report import GateReport, Report
from lepton.spec.resource import LeptonModel
from tests.unit.cli.command import lepton


def put(home: Home, model: LeptonModel) -> None:
    """Store a model with its status, as the control loop would have written it."""
    store = Store(home.make().database)
    try:
        written = store.apply(model)
        key = Key(written.metadata.namespace, written.metadata.name)
        store.write_status(key, model.status, written.metadata.resource_version)
    finally:
        store.close()


def test_what_get_prints_can_be_applied_again(
    home: Home, serving: LeptonModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = {"release": "1e3", "day": "2026-01-01", "on": "yes"}
    put(home, serving.model_copy(update={"metadata": serving.metadata.model_copy(update={"labels": labels})}))
    again = tmp_path / "again.yaml"
    assert lepton("get", "digits", "-o", "yaml") == 0
    again.write_text(capsys.readouterr().out)
    assert lepton("apply", "-f", again) == 0
    assert capsys.readouterr().out == "digits unchanged\n"
    second = serving.metadata.model_copy(update={"name": "pets"})
    put(home, serving.model_copy(update={"metadata": second}))
    assert lepton("get", "-o", "yaml") == 0
    again.write_text(capsys.readouterr().out)
    assert lepton("apply", "-f", again) == 0
    assert capsys.readouterr().out == "digits unchanged\npets unchanged\n"


def test_get_as_json_is_json_and_nothing_else(
    home: Home, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home, serving)
    assert lepton("get", "-o", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [item["status"]["phase"] for item in answer["items"]] == ["Serving"]
    assert lepton("get", "digits", "-o", "yaml") == 0
    assert yaml.safe_load(capsys.readouterr().out) == answer["items"][0]


def test_get_says_on_stderr_that_nothing_answers_while_lepton_is_down(
    home: Home, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home, serving)
    said = []
    for words in (["get"], ["get", "digits", "-o", "wide"], ["get", "-o", "json"]):
        assert lepton(*words) == 0
        said.append("Lepton is not running" in capsys.readouterr().err)
    assert said == [True, True, False]


def test_logs_are_those_of_the_build_and_then_of_its_proofs(
    home: Home, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home, serving)
    for name, revision, text in (
        ("digits-build-00000002", 2, "trained\n"),
        ("digits-gate-0a", 2, "proved\n"),
        ("digits-gate-0b", 1, "another's\n"),
    ):
        directory = JobDirectory(home.jobs / name)
        order = JobOrder(name=name, kind="gate", model="digits", revision=revision, attempt=0, arguments={})
        directory.write_order(order)
        directory.log.write_text(text)
    assert lepton("logs", "digits") == 0
    assert capsys.readouterr().out == "trained\nproved\n"
    assert lepton("logs", "digits", "--revision", "1") == 0
    assert capsys.readouterr().out == "another's\n"
    assert lepton("logs", "digits", "--revision", "7") == 1
    assert "digits does not have revision 7; it has: 2, 1" in capsys.readouterr().err


def test_the_report_comes_as_table_json_and_page(
    home: Home,
    serving: LeptonModel,
    report: Report,
    gate_report: GateReport,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "report.json").write_text(report.model_dump_json(by_alias=True))
    (artifact / "gate.json").write_text(gate_report.model_dump_json(by_alias=True))
    newest, oldest = serving.status.revisions
    revisions = (newest.model_copy(update={"artifact": str(artifact)}), oldest)
    put(home, serving.model_copy(update={"status": serving.status.model_copy(update={"revisions": revisions})}))
    page = tmp_path / "report.html"
    assert lepton("report", "digits") == 0
    assert "digits, revision 2: gate passed" in capsys.readouterr().out
    assert lepton("report", "digits", "-o", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert Report.model_validate(answer["report"]) == report
    assert GateReport.model_validate(answer["gate"]) == gate_report
    assert lepton("report", "digits", "-o", "html", "--to", page) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert capsys.readouterr().err == f"written to {page}\n"
    os.mkfifo(pipe := tmp_path / "pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert lepton("report", "digits", "-o", "json", "--to", pipe) == 0
    assert (json.loads(os.read(reader, 1 << 20)), pipe.is_fifo()) == (answer, True)
    os.close(reader)
    link = tmp_path / "link.html"
    link.symlink_to(page)
    page.unlink()
    assert lepton("report", "digits", "-o", "html", "--to", link) == 0
    assert (page.is_file(), link.is_symlink()) == (True, True)
    assert lepton("report", "digits", "--revision", "1") == 1
    assert "revision 1 of digits failed before it had a report" in capsys.readouterr().err
    (artifact / "gate.json").write_text('{"revision": 2')
    assert lepton("report", "digits") == 1
    assert "gate.json is damaged, or written by another version of Lepton" in capsys.readouterr().err
    (artifact / "gate.json").unlink()
    assert lepton("report", "digits", "--to", page) == 2
    assert "--to is for -o json and -o html" in capsys.readouterr().err

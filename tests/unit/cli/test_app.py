"""The command as a person meets it: exit codes, stderr, speed; and what it does to a real store."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from lepton.backends.local.home import Home
from lepton.backends.local.store import Store
from lepton.cli.app import app
from lepton.cli.errors import CommandError, guarded
from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.plan.types import Key
from lepton.report import GateReport, Report
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import RETRIED_AT, LeptonModel
from lepton.spec.status import Condition, Status

MAIN = [sys.executable, "-c", "from lepton.cli.app import main; main()"]
DIGITS = """\
apiVersion: leptonml.dev/v1alpha1
kind: LeptonModel
metadata: {name: digits}
spec: {task: image-classification, data: {uri: "sklearn://digits"}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home of its own."""
    monkeypatch.setenv("LEPTON_HOME", str(tmp_path / "home"))
    return Home.default()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS)
    return path


def lepton(*words: str | Path) -> int:
    """Run a command in this process, as `main` would. Returns its exit code."""
    import typer  # noqa: PLC0415

    try:
        return guarded(lambda: typer.main.get_command(app)([str(word) for word in words], prog_name="lepton"))
    except SystemExit as error:
        return int(error.code or 0)


def stored(home: Home) -> dict[str, LeptonModel]:
    store = Store(home.database)
    try:
        return {model.metadata.name: model for model in store.models()}
    finally:
        store.close()


def fail(home: Home, name: str, reason: Reason) -> None:
    """Let the status say what the control loop says when a build, or its proof, failed for this reason."""
    kind = ConditionType.GATE_PASSED if reason is Reason.BUDGET_NOT_MET else ConditionType.DATA_READY
    said = {"status": "False", "reason": reason, "message": "mend it", "last_transition_time": "2026-01-01T00:00:00Z"}
    conditions = tuple(Condition(type=one, **said) for one in (kind, ConditionType.READY))
    store, key = Store(home.database), Key("default", name)
    try:
        version = stored(home)[name].metadata.resource_version
        store.write_status(key, Status(phase=Phase.FAILED, conditions=conditions), version)
    finally:
        store.close()


def put(home: Home, model: LeptonModel) -> None:
    """Store a model with its status, as the control loop would have written it."""
    store = Store(home.make().database)
    try:
        written = store.apply(model)
        key = Key(written.metadata.namespace, written.metadata.name)
        store.write_status(key, model.status, written.metadata.resource_version)
    finally:
        store.close()


def test_help_answers_at_once_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lepton.cli.app import main\n"
        "try: main()\n"
        "finally: print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'torch', 'ray', 'numpy', 'pydantic', 'yaml', 'fsspec', 'tritonclient', 'psutil'}), file=sys.stderr)"
    )
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    after = os.times()
    assert done.stderr == "[]\n"
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.6


def test_no_module_of_the_command_imports_torch_or_ray() -> None:
    code = (
        "import importlib, pkgutil, sys, lepton.cli\n"
        "for found in pkgutil.walk_packages(lepton.cli.__path__, 'lepton.cli.'): importlib.import_module(found.name)\n"
        "print({'torch', 'ray'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_apply_of_an_unchanged_file_tries_again_what_failed_but_not_what_was_judged(
    home: Home, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lepton("apply", "-f", file)
    said = []
    for reason in (Reason.DATA_NOT_FOUND, Reason.BUDGET_NOT_MET):
        fail(home, "digits", reason)
        capsys.readouterr()
        assert lepton("apply", "-f", file) == 0
        said.append(capsys.readouterr().out)
    assert said == ["digits unchanged; what failed is tried again\n", "digits unchanged\n"]
    assert RETRIED_AT in stored(home)["digits"].metadata.annotations


def test_apply_creates_then_leaves_then_changes(home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for content in (DIGITS, DIGITS, DIGITS.replace("digits}", "digits, labels: {a: b}}", 1)):
        file.write_text(content)
        assert lepton("apply", "-f", file) == 0
        said.append(capsys.readouterr())
    assert [answer.out for answer in said] == ["digits created\n", "digits unchanged\n", "digits configured\n"]
    assert all("`lepton up` starts it" in answer.err for answer in said)
    assert stored(home)["digits"].metadata.labels == {"a": "b"}


def test_several_files_and_folders_are_applied_whole_or_not_at_all(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "a.yaml").write_text(DIGITS.replace("name: digits", "name: a"))
    (folder / "b.yml").write_text(DIGITS.replace("name: digits", "name: b"))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(DIGITS.replace("task", "tusk"))
    assert lepton("apply", "-f", folder, "-f", wrong) == 2
    assert "spec.tusk: no such field" in capsys.readouterr().err
    assert not home.database.exists()
    assert lepton("apply", "-f", folder) == 0
    assert sorted(stored(home)) == ["a", "b"]


def test_a_relative_path_counts_from_where_the_command_was_typed(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    file.write_text(DIGITS.replace("sklearn://digits", "pictures/pets.zip"))
    assert lepton("apply", "-f", file) == 0
    assert stored(home)["digits"].spec.data.uri == str(tmp_path / "pictures/pets.zip")


@pytest.mark.parametrize(
    ("uri", "warning"),
    [
        ("sklearn://digits", ""),
        ("s3://bucket/pets", ""),
        ("pictures/pets.zip", ""),
        ("pictures/pet.zip", "nothing lies at HERE/pictures/pet.zip: did you mean HERE/pictures/pets.zip?"),
        (
            "file://HERE/pictures/x.npz",
            "nothing lies at file://HERE/pictures/x.npz: put the data there, or mend data.uri",
        ),
        ("nowhere/pets", "nothing lies at HERE/nowhere/pets: the folder HERE/nowhere doesn't exist either"),
    ],
)
def test_validate_warns_of_data_that_are_not_there(
    uri: str,
    warning: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "pets.zip").write_bytes(b"")
    file.write_text(DIGITS.replace("sklearn://digits", uri.replace("HERE", str(tmp_path))))
    assert lepton("validate", "-f", file) == 0
    said = f"warning: digits: data.uri: {warning.replace('HERE', str(tmp_path))}" if warning else ""
    answer = capsys.readouterr()
    assert (answer.out, "".join(answer.err.split())) == ("digits is valid\n", "".join(said.split()))


@pytest.mark.parametrize(
    ("words", "content", "code", "sentence"),
    [
        (["apply", "-f", "/nowhere.yaml"], "", 2, "/nowhere.yaml does not exist: give a YAML file"),
        (["validate", "-f", "FILE"], "a: [", 2, "FILE: "),
        (["validate", "-f", "FILE"], "", 2, "FILE: empty; allowed: at least one LeptonModel"),
        (["validate", "-f", "FILE"], DIGITS.replace("name: digits", "name: Digits"), 2, "metadata.name: given"),
        (
            ["apply", "-f", "FILE"],
            DIGITS.replace("name: digits", "name: digits, namespace: other"),
            2,
            "metadata.namespace: given 'other'; allowed: default",
        ),
        (["apply", "-f", "FILE", "-f", "FILE"], DIGITS, 2, "digits is given twice"),
        (["apply", "-f", "FILE", "--wait"], DIGITS, 1, "Lepton is not running: `lepton up` starts it"),
        (["get", "nosuch"], "", 1, "there is no model named 'nosuch'; none has been applied yet"),
        (["describe", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["logs", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["report", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["predict", "nosuch", "x.png"], "", 1, "there is no model named 'nosuch'"),
        (["delete", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["delete"], "", 2, "error: give the name of a model, or a file with -f"),
        (["get", "-o", "pdf"], "", 2, "pdf"),
        (["get", "-w", "-o", "yaml"], "", 2, "-w is for tables"),
        (["nosuch"], "", 2, "nosuch"),
        (["up", "--http-port", "0"], "", 2, "greater than or equal to 1"),
        (
            ["up", "--artifacts", "nosuch://x"],
            "",
            2,
            "--artifacts: nosuch://x is of no kind that can be used (Protocol not known: nosuch): "
            "give a path, or a URL such as s3:// or gs://",
        ),
        (
            ["up", "--artifacts", "abfs://x"],
            "",
            2,
            "--artifacts: abfs://x needs a driver that is not installed (Install adlfs to access Azure Datalake Gen2 "
            "and Azure Blob Storage): install it beside Lepton",
        ),
    ],
)
def test_a_mistake_of_the_users_is_a_sentence_on_stderr(
    words: list[str], content: str, code: int, sentence: str, home: Home, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(content)
    assert lepton(*(str(file) if word == "FILE" else word for word in words)) == code
    answer = capsys.readouterr()
    assert answer.out in ("", "digits created\n")
    assert sentence.replace("FILE", str(file)) in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


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


def test_a_home_that_cannot_be_written_is_named_as_what_to_change(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.root.write_text("not a folder")
    assert lepton("get") == 1
    assert "make it writable, or set LEPTON_HOME to another folder" in " ".join(capsys.readouterr().err.split())


def test_the_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert [lepton("--version"), lepton("version")] == [0, 0]
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


def test_delete_without_waiting_marks_the_model(home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lepton("apply", "-f", file) == 0
    assert lepton("delete", "-f", file, "--no-wait") == 0
    assert capsys.readouterr().out == "digits created\ndigits is being deleted\n"
    assert stored(home)["digits"].metadata.deletion_timestamp is not None
    assert lepton("apply", "-f", file) == 1
    assert "is being deleted; apply it again when it is gone" in capsys.readouterr().err


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
    assert lepton("report", "digits", "--revision", "1") == 1
    assert "revision 1 of digits failed before it had a report" in capsys.readouterr().err
    (artifact / "gate.json").write_text('{"revision": 2')
    assert lepton("report", "digits") == 1
    assert "gate.json is damaged, or written by another version of Lepton" in capsys.readouterr().err
    (artifact / "gate.json").unlink()
    assert lepton("report", "digits", "--to", page) == 2
    assert "--to is for -o json and -o html" in capsys.readouterr().err


def test_doctor_names_what_is_missing_and_how_to_mend_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.root.parent.mkdir(exist_ok=True)
    home.root.write_text("not a folder")
    assert lepton("doctor") == 1
    answer = capsys.readouterr()
    assert "LEPTON_HOME" in answer.err
    assert "make it writable, or set LEPTON_HOME to another folder" in " ".join(answer.out.split())


def raised(error: BaseException) -> int:
    def fail() -> None:
        raise error

    return guarded(fail)


def test_every_kind_of_failure_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    codes = [
        raised(error)
        for error in (
            CommandError("no"),
            CommandError("no", 2),
            LeptonError(Reason.DISK_FULL, "no"),
            LeptonError(Reason.INVALID_SPEC, "no"),
            KeyboardInterrupt(),
            PermissionError(13, "Permission denied", "/x"),
            ConnectionRefusedError("refused"),
        )
    ]
    assert codes == [1, 2, 1, 2, 130, 1, 1]
    assert capsys.readouterr().err == (
        "error: no\n" * 4
        + "error: /x: Permission denied\n"
        + "error: can't reach the server (refused): `lepton doctor` tells what runs, `lepton up` starts it\n"
    )


def test_a_defect_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded(lambda: 1 / 0)


def test_a_reader_that_goes_away_is_no_failure_worth_a_word() -> None:
    with subprocess.Popen([*MAIN, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_an_interruption_ends_with_130_and_without_a_word(home: Home, file: Path) -> None:
    assert lepton("apply", "-f", file) == 0
    with subprocess.Popen([*MAIN, "get", "-w"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        began = time.monotonic()
        while not process.stdout.readline().startswith(b"digits"):
            assert time.monotonic() - began < 30
        process.send_signal(2)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == b""

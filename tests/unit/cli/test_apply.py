"""What apply, validate and delete make of files, in a real store."""

from pathlib import Path

import pytest

from lepton.backends.local.home import Home
from lepton.backends.local.store import Store
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import RETRIED_AT
from lepton.spec.status import Condition, Status
from tests.unit.cli.command import DIGITS, lepton, stored


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


def test_apply_creates_then_leaves_then_changes(home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for content in (DIGITS, DIGITS, DIGITS.replace("digits}", "digits, labels: {a: b}}", 1)):
        file.write_text(content)
        assert lepton("apply", "-f", file) == 0
        said.append(capsys.readouterr())
    assert [answer.out for answer in said] == ["digits created\n", "digits unchanged\n", "digits configured\n"]
    assert all("`lepton up` starts it" in answer.err for answer in said)
    assert stored(home)["digits"].metadata.labels == {"a": "b"}


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
        (
            "~nobodyatall/pets",
            "nothing lies at HERE/~nobodyatall/pets: the folder HERE/~nobodyatall doesn't exist either",
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


def test_delete_without_waiting_marks_the_model(home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lepton("apply", "-f", file) == 0
    assert lepton("delete", "-f", file, "--no-wait") == 0
    assert capsys.readouterr().out == "digits created\ndigits is being deleted\n"
    assert stored(home)["digits"].metadata.deletion_timestamp is not None
    assert lepton("apply", "-f", file) == 1
    assert "is being deleted; apply it again when it is gone" in capsys.readouterr().err

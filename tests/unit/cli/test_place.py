"""One protocol behind every verb: which verbs there are where, and what the new ones do on this machine."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lepton.backends.local.home import Home
from lepton.backends.local.store import Store
from lepton.cli.app import NOWHERE, app
from lepton.cli.commands.shared import ON_A_LAPTOP
from lepton.spec.resource import LeptonModel
from tests.unit.cli.command import DIGITS, lepton, stored
from tests.unit.cli.test_read import put

ANYWHERE = {
    *("apply", "plan", "get", "describe", "wait", "retry", "suspend", "resume", "rollback", "delete", "validate"),
    *("predict", "report", "logs", "doctor"),
}


def test_every_verb_works_in_both_places_or_says_why_not() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert set(group.commands) == ANYWHERE | set(ON_A_LAPTOP) | set(NOWHERE)


@pytest.mark.parametrize("verb", ON_A_LAPTOP)
def test_a_verb_of_the_laptop_says_so(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lepton("--context", "c", verb, *(["x.yaml"] if verb == "demo" else [])) == 2
    err = capsys.readouterr().err
    assert err == f"error: {ON_A_LAPTOP[verb]}: leave --context and LEPTON_CONTEXT out\n"


def test_the_context_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEPTON_CONTEXT", "c")
    assert lepton("up") == 2
    assert ON_A_LAPTOP["up"] in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["get"], ["--context", "c", "up"]])
def test_without_a_cluster_its_client_is_not_imported(words: list[str], home: Home) -> None:
    code = (
        "import sys; from lepton.cli.app import main\n"
        "try: main()\n"
        "finally: print({'kubernetes', 'aiohttp'} & sys.modules.keys(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "set()"


@pytest.mark.parametrize("package", ["kubernetes", "aiohttp"])
def test_a_missing_client_is_named_with_what_installs_it(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None\nfrom lepton.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--context", "c", "get"], capture_output=True, text=True, check=False
    )
    said = f"--context needs the package {package}, which is not installed: pip install 'leptonml[operator]'"
    assert (done.returncode, done.stderr) == (1, f"error: {said}\n")


def test_a_namespace_is_a_thing_of_clusters(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert lepton("--namespace", "team", "get") == 2
    assert "on a laptop there is only default: name a cluster with --context" in capsys.readouterr().err


def test_suspend_and_resume_are_one_field(home: Home, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lepton("apply", "-f", file)
    before = stored(home)["digits"].spec
    seen = []
    for verb in ("suspend", "resume"):
        assert lepton(verb, "digits") == 0
        seen.append(stored(home)["digits"].spec)
    assert seen == [before.model_copy(update={"suspend": True}), before]
    assert "digits suspended; what serves goes on\ndigits resumed\n" in capsys.readouterr().out


def test_a_rollback_pins_the_revision_and_an_undo_takes_the_pin_away(
    home: Home, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    newest, oldest = serving.status.revisions
    good = oldest.model_copy(update={"outcome": "Superseded", "digest": "sha256:1"})
    put(home, serving.model_copy(update={"status": serving.status.model_copy(update={"revisions": (newest, good)})}))
    assert lepton("rollback", "digits") == 0
    assert stored(home)["digits"].spec.revision == 1
    assert lepton("rollback", "digits", "--undo") == 0
    assert stored(home)["digits"].spec == serving.spec
    capsys.readouterr()
    for words, sentence in (
        (["--undo"], "digits is not pinned: spec.revision is not set"),
        (["--to", "7"], "digits does not have revision 7 that can be served; those that can: 2, 1"),
        (["--to", "1", "--undo"], "give --to or --undo, not both"),
    ):
        assert lepton("rollback", "digits", *words) > 0
        assert sentence in capsys.readouterr().err


def test_retry_marks_what_failed_and_refuses_the_rest(
    home: Home, serving: LeptonModel, failed: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = failed.metadata.model_copy(update={"name": "lost"})
    put(home, serving)
    put(home, failed.model_copy(update={"metadata": lost}))
    assert lepton("retry", "digits") == 1
    assert "nothing of digits has failed (Serving): there is nothing to retry" in capsys.readouterr().err
    assert lepton("retry", "lost") == 0
    assert capsys.readouterr().out == "lost: what failed is tried again\n"
    assert list(stored(home)["lost"].metadata.annotations) == ["leptonml.dev/retried-at"]


def digest(home: Home) -> str:
    """Of all that the store holds."""
    store = Store(home.database)
    try:
        return hashlib.sha256("\n".join(store._connection.iterdump()).encode()).hexdigest()
    finally:
        store.close()


def test_a_plan_on_this_machine_changes_nothing(
    home: Home, serving: LeptonModel, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home, serving)
    file.write_text(DIGITS.replace("spec: {", "spec: {train: {epochs: 3}, "))
    before = digest(home), sorted(home.root.rglob("*"))
    assert lepton("plan", "-f", file) == 0
    answer = capsys.readouterr()
    assert (digest(home), sorted(home.root.rglob("*"))) == before
    assert answer.out.startswith("digits would change; in the end revision 3 serves, after a build\n")
    assert "  train.epochs: 20 -> 3\n" in answer.out
    assert "comes: job digits-build-" in answer.out
    assert "takes: not yet known" in answer.out
    assert answer.err == "nothing was changed: `lepton apply -f FILE` does it\n"


def test_a_plan_for_a_model_that_is_being_deleted_is_refused_as_apply_refuses_it(
    home: Home, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lepton("apply", "-f", file)
    lepton("delete", "digits", "--no-wait")
    capsys.readouterr()
    refusals = [(lepton(verb, "-f", file), capsys.readouterr().err) for verb in ("plan", "apply")]
    assert refusals == [(1, "error: digits is being deleted; apply it again when it is gone\n")] * 2


def test_a_plan_tells_where_it_would_stop(
    home: Home, serving: LeptonModel, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home, serving)
    file.write_text(DIGITS.replace("spec: {", "spec: {revision: 9, "))
    assert lepton("plan", "-f", file) == 0
    assert "it would stop there: spec.revision: revision 9 is not remembered" in capsys.readouterr().out

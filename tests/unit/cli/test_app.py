"""The command as a person meets it: exit codes, stderr, speed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton.backends.local.home import Home
from lepton.cli.errors import CommandError, guarded
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from tests.unit.cli.command import DIGITS, lepton

MAIN = [sys.executable, "-c", "from lepton.cli.app import main; main()"]


def test_help_imports_nothing_heavy_and_so_answers_at_once() -> None:
    code = (
        "import sys; from lepton.cli.app import main\n"
        "try: main()\n"
        "finally: print(sorted({name.split('.')[0] for name in sys.modules} & "
        "{'torch', 'ray', 'numpy', 'pydantic', 'yaml', 'fsspec', 'tritonclient', 'psutil', 'kubernetes', 'aiohttp'}), "
        "file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_no_module_of_the_command_imports_torch_or_ray() -> None:
    code = (
        "import importlib, pkgutil, sys, lepton.cli\n"
        "for found in pkgutil.walk_packages(lepton.cli.__path__, 'lepton.cli.'): importlib.import_module(found.name)\n"
        "print({'torch', 'ray'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert [lepton("--version"), lepton("version")] == [0, 0]
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


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
        (["delete", "-f", ""], DIGITS, 2, "-f is empty: give a YAML file, a folder of them, or -"),
        (["apply", "-f", "FILE", "--wait"], DIGITS, 1, "nothing changes and nothing answers: `lepton up` starts it"),
        (["get", "nosuch"], "", 1, "there is no model named 'nosuch'; none has been applied yet"),
        (["describe", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["logs", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["report", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["predict", "nosuch", "x.png"], "", 1, "there is no model named 'nosuch'"),
        (["delete", "nosuch"], "", 1, "there is no model named 'nosuch'"),
        (["get", "caf\udce9"], "", 1, "there is no model named 'caf\\udce9'; none has been applied yet"),
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


def test_a_home_that_cannot_be_written_is_named_as_what_to_change(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.root.write_text("not a folder")
    assert lepton("get") == 1
    assert "make it writable, or set LEPTON_HOME to another folder" in " ".join(capsys.readouterr().err.split())


def test_doctor_names_what_is_missing_and_how_to_mend_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.root.parent.mkdir(exist_ok=True)
    home.root.write_text("not a folder")
    assert lepton("doctor") == 1
    answer = capsys.readouterr()
    assert "LEPTON_HOME" in answer.err
    assert "make it writable, or set LEPTON_HOME to another folder" in " ".join(answer.out.split())


def test_doctor_goes_on_where_a_home_may_not_even_be_looked_into(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.is_relative_to(home.root):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    lepton("doctor")
    answer = capsys.readouterr()
    assert "Permission denied" not in answer.err
    assert f"free at {home.root.parent}" in " ".join(answer.out.split())


def test_a_name_that_is_no_text_is_shown_all_the_same() -> None:
    code = (
        "from lepton.cli import app, console; app.guarded = lambda _: console.write('caf\\udce9\\n') or 0; app.main()"
    )
    utf8 = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=utf8)
    assert (done.stdout, done.returncode) == (b"caf\\udce9\n", 0), done.stderr


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

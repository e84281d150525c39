"""Each line of the operator's log is a JSON object with the same keys, whatever it tells of."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operators.lepton_operator.logs import Json

KEYS = {"time", "level", "logger", "message"}


def record(message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    try:
        raise KeyError("spec\nstatus")
    except KeyError:
        error = sys.exc_info() if failed else None
    return logging.LogRecord("lepton.operator", logging.WARNING, __file__, 1, message, arguments, error)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (record("digits: %s", 'said "no"\nand more\u2028'), 'digits: said "no"\nand more\u2028'),
        (record("100 %"), "100 %"),
        (record("a defect in the pass", failed=True), "a defect in the pass"),
    ],
    ids=["several lines and quotes", "a sign of format", "a defect"],
)
def test_whatever_is_told_is_one_line(told: logging.LogRecord, message: str) -> None:
    (line,) = Json().format(told).splitlines()
    said = json.loads(line)
    assert (said.pop("traceback", "").endswith("KeyError: 'spec\\nstatus'"), said.keys()) == (bool(told.exc_info), KEYS)
    assert (said["level"], said["logger"], said["message"]) == ("warning", "lepton.operator", message)
    assert len(said["time"]) == len("2026-11-30T12:00:00+0000")


SETTINGS = "{workerImage: worker, serverImage: server, artifacts: file:///lepton}"


@pytest.mark.parametrize(
    ("settings", "status", "level", "message"),
    [
        (None, 2, "error", "can't read the settings {}/settings.yaml ("),
        (SETTINGS, 1, "critical", "it ends: Invalid kube-config file."),
    ],
    ids=["no settings", "no cluster"],
)
def test_a_process_that_can_not_begin_says_so_in_this_form(
    tmp_path: Path, settings: str | None, status: int, level: str, message: str
) -> None:
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\nkind: Config\n")
    if settings is not None:
        (tmp_path / "settings.yaml").write_text(settings)
    told = {"LEPTON_SETTINGS": str(tmp_path / "settings.yaml"), "KUBECONFIG": str(tmp_path / "kubeconfig")}
    command = [sys.executable, "-m", "operators.lepton_operator"]
    done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=False)
    (said,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, done.stdout, said.keys() - {"traceback"}, said["level"]) == (status, "", KEYS, level)
    assert said["message"].startswith(message.format(tmp_path))

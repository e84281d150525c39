"""Each alert fires when it should, does not when it should not, and leads to a page that says what to do."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cluster.metrics.prometheus import MANIFESTS, ROOT
from tests.programs.programs import find

RULES = yaml.safe_load((MANIFESTS / "lepton.rules.yml").read_text())
STORIES = yaml.safe_load((Path(__file__).parent / "alerts.yml").read_text())["tests"]
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
RUNBOOK = "docs/how-to/when-an-alert-fires.md"


def promtool(*arguments: str, folder: Path) -> str:
    done = subprocess.run([find("promtool"), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_story_about_the_alerts_ends_as_told(tmp_path: Path) -> None:
    shutil.copy(MANIFESTS / "lepton.rules.yml", tmp_path)
    shutil.copy(Path(__file__).parent / "alerts.yml", tmp_path)
    promtool("test", "rules", "alerts.yml", folder=tmp_path)


@pytest.mark.parametrize("name", ALERTS)
def test_of_each_alert_it_is_told_when_it_fires_and_when_it_does_not(name: str) -> None:
    checks = [check for story in STORIES for check in story["alert_rule_test"] if check["alertname"] == name]
    others = [story for story in STORIES if story["name"].startswith(name) and len(story["input_series"]) > 1]
    assert any(check["exp_alerts"] for check in checks)
    assert others or not all(check["exp_alerts"] for check in checks)


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_what_to_do_and_leads_to_its_section_of_the_runbook(name: str) -> None:
    annotations = ALERTS[name]["annotations"]
    assert annotations.keys() == {"summary", "action", "runbook_url"}
    assert annotations["runbook_url"].endswith(f"{RUNBOOK}#{name.lower()}")
    assert name in re.findall(r"^## (\w+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["lepton.yml", "kubernetes.yml"])
def test_prometheus_takes_the_sample_configurations(name: str) -> None:
    promtool("check", "config", name, folder=MANIFESTS)

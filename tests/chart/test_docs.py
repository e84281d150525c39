"""The documents install the chart by commands and values that it takes."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from lepton.backends.kubernetes.settings import Settings
from tests.chart.helm import CHART, one, render

ROOT = CHART.parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
WITH_VALUE = {"--values", "--set", "--set-json"}


def commands() -> Iterator[tuple[str, str]]:
    """Each command on this chart, by its page."""
    for page in PAGES:
        for line in re.findall(r"^ *\$ (helm (?:install|upgrade) .*charts/lepton .*)$", page.read_text(), re.MULTILINE):
            yield page.name, line


def own_values(page: str) -> dict[str, dict[str, object]]:
    """What the page lets a reader write into a file of values."""
    found: dict[str, dict[str, object]] = {}
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "how-to" / page).read_text(), re.DOTALL):
        content = yaml.safe_load(dedent(block))
        for section, values in content.items() if "spec" not in content else ():
            found[section] = {**found.get(section, {}), **values}
    return found


def options(line: str) -> list[str]:
    """The values that a command gives."""
    words = shlex.split(line, comments=True)
    pairs = [[word, value] for word, value in pairwise(words) if word in WITH_VALUE]
    return [word for pair in pairs for word in pair]


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_the_chart_takes_what_a_document_types(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my-values.yaml").write_text(yaml.safe_dump(own_values(page)))
    (tmp_path / "charts").symlink_to(CHART.parent)
    monkeypatch.chdir(tmp_path)
    config = one(render(*options(line)), "ConfigMap")
    assert Settings.model_validate(yaml.safe_load(config["data"]["settings.yaml"]))


def test_each_page_of_installing_is_checked() -> None:
    assert {page for page, _ in commands()} >= {"install-on-kind.md", "install-on-a-managed-cluster.md", "operate.md"}


def test_every_preset_is_installed_by_some_page() -> None:
    named = {word for _, line in commands() for word in options(line) if word.startswith("charts/lepton/presets/")}
    assert named == {f"charts/lepton/presets/{path.name}" for path in (CHART / "presets").glob("*.yaml")}

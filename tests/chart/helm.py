"""The real Helm on the real chart: what a set of values becomes, and what it says when it refuses."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.programs.programs import find

CHART = Path(__file__).parents[2] / "charts" / "lepton"
PRESETS = {"defaults": None, **{path.stem: path for path in sorted((CHART / "presets").glob("*.yaml"))}}
HOME = "lepton-system"
POD_MONITORS = ("--api-versions", "monitoring.coreos.com/v1/PodMonitor")
Object = dict[str, Any]


class Refused(Exception):  # noqa: N818 - what happened to us, not an error of ours
    """Helm ended with an error."""


def helm(*arguments: str) -> str:
    """What Helm printed. Raises Refused with what it complained of."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"HOME": folder}  # it keeps caches there, of charts and of API servers
        done = subprocess.run([find("helm"), *arguments], env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def values_of(preset: str) -> list[str]:
    """The options that choose a preset."""
    path = PRESETS[preset]
    return ["--values", str(path)] if path else []


def render(*options: str, chart: Path = CHART) -> list[Object]:
    """Every object that the chart makes."""
    text = helm("template", "lepton", str(chart), "--namespace", HOME, *POD_MONITORS, *options)
    return [one for one in yaml.safe_load_all(text) if one]


def one(objects: list[Object], kind: str, name: str = "lepton-operator") -> Object:
    """The only object of this kind and name."""
    (found,) = [it for it in objects if (it["kind"], it["metadata"]["name"]) == (kind, name)]
    return found

"""Lepton, installed by its chart on the cluster of KUBECONFIG: that of `python -m tests.node`, or any other.

LEPTON_E2E_VALUES names the file of the chart's values for that cluster: its images, its Gateway.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.kube import Kube
from tests.programs.programs import ROOT, find

NAMESPACE = "lepton-system"


@pytest.fixture(scope="session")
def kube() -> Kube:
    return Kube(Path(os.environ["KUBECONFIG"]))


@pytest.fixture(scope="session", autouse=True)
def lepton(kube: Kube) -> Iterator[None]:
    """Installed as the documents say, in a namespace that holds pods to the restricted standard."""
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": restricted}})
    kube.run(
        "label", "namespace", "default", "--overwrite", *(f"{label}={level}" for label, level in restricted.items())
    )
    wait = ("--wait", "--timeout", "120s")
    helm("install", "lepton", str(ROOT / "charts" / "lepton"), "--values", values(), *wait)
    yield
    helm("uninstall", "lepton", *wait)


def values() -> str:
    """The file of the chart's values for this cluster."""
    return os.environ.get("LEPTON_E2E_VALUES", str(ROOT / "tests" / "node" / "values.yaml"))


def helm(*arguments: str) -> str:
    """What Helm prints."""
    done = subprocess.run(
        [find("helm"), "--namespace", NAMESPACE, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"helm {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout

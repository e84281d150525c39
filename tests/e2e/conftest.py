"""Lepton, installed by its chart on the cluster of KUBECONFIG: that of `python -m tests.node`, or any other that has
all that tests.node.parts installs.

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
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_WAIT = ("--wait", "--timeout", "120s")


@pytest.fixture(scope="session")
def kube() -> Kube:
    return Kube(Path(os.environ["KUBECONFIG"]))


@pytest.fixture(scope="session", autouse=True)
def lepton(kube: Kube) -> Iterator[None]:
    """Installed as the documents say, in a namespace that holds pods to the restricted standard."""
    for namespace in (NAMESPACE, "default"):
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": RESTRICTED}})
    release("install")
    yield
    helm("uninstall", "lepton", *_WAIT)


def release(verb: str, *options: str, namespace: str = NAMESPACE) -> None:
    """Install the chart in a namespace, or upgrade it, with the values for this cluster and some of one's own."""
    chart = str(ROOT / "charts" / "lepton")
    values = os.environ.get("LEPTON_E2E_VALUES", str(ROOT / "tests" / "node" / "values.yaml"))
    helm(verb, "lepton", chart, "--values", values, *options, *_WAIT, namespace=namespace)


def helm(*arguments: str, namespace: str = NAMESPACE) -> str:
    """What Helm prints."""
    done = subprocess.run(
        [find("helm"), "--namespace", namespace, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"helm {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout

"""What a person runs beside kubectl: the command `lepton`, and a look at the volume through a pod."""

import json
import subprocess
import sys
from pathlib import Path

from lepton.backends.kubernetes.render.meta import CONTAINER, POD
from tests.e2e.conftest import helm
from tests.node.kube import Kube


def lepton(kube: Kube, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("lepton")), "--context", kube.context, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def on_the_claim(kube: Kube, script: str) -> str:
    """What a shell prints that has the volume of artifacts and checkpoints at /lepton."""
    worker = json.loads(helm("get", "values", "lepton", "--output", "json"))["images"]["worker"]
    volume = {"name": "lepton", "persistentVolumeClaim": {"claimName": "lepton"}}
    container = {
        "name": "look",
        "image": f"{worker['repository']}:{worker['tag']}",
        "command": ["sh", "-c", script],
        "securityContext": CONTAINER,
        "volumeMounts": [{"name": "lepton", "mountPath": "/lepton"}],
    }
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": [volume], "securityContext": POD}
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "look", "namespace": "default"}, "spec": spec})
    kube.run("wait", "pod/look", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    said = kube.run("logs", "look")
    kube.run("delete", "pod", "look")
    return said

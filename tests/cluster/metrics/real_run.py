"""A real run to be watched: an operator, a build that trains, and a server that answers, all of them real processes.

What is played is a node: it gives the pods an address and starts what is in them; and the gate, which is passed.
"""

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import yaml

from lepton.backends.kubernetes.jobs import order_of, report_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, DEPLOYMENT, JOB, POD, RAY_JOB, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, run_name, workload_name
from lepton.jobdir import JobOrder
from lepton.plan.types import Key
from lepton.report import Summary
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import NAMESPACE, serves
from tests.cluster.world import RUNNING, World, token
from tests.contract.harness import digits
from tests.installation import wait_until

DIGITS, PETS, REFUSED = Key("default", "digits"), Key("default", "pets"), Key("refused", "digits")
SPEC = digits(train={"epochs": 30}, compress={"steps": []}, gate={"maxP99Ms": 1000})
_SHAPE = (1, 8, 8, 1)
_WORKER = """\
import sys
from services.worker import cluster
cluster._SECONDS_BETWEEN_WRITES = 0.2
sys.exit(cluster.main())
"""
"""The worker as its pod runs it, but it says more often where it stands."""
_POLICIES = "admissionregistration.k8s.io/v1"
_POLICY = f"""\
apiVersion: {_POLICIES}
kind: ValidatingAdmissionPolicy
metadata: {{name: refuses-reports}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: [leptonml.dev], apiVersions: [v1alpha1], resources: [leptonmodels/status], operations: [UPDATE]}}
  validations:
  - expression: object.metadata.namespace != '{REFUSED.namespace}'
---
apiVersion: {_POLICIES}
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: refuses-reports}}
spec: {{policyName: refuses-reports, validationActions: [Deny]}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: {REFUSED.namespace}}}
"""
_KINDS = {
    "ValidatingAdmissionPolicy": Kind(_POLICIES, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    "ValidatingAdmissionPolicyBinding": Kind(
        _POLICIES, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
    ),
    "Namespace": Kind("v1", "Namespace", "namespaces"),
}

Wait = Callable[[], bool]


async def build(plane: ControlPlane, world: World, folder: Path, is_seen: Wait) -> Summary:
    """Let the operator order a build of digits and run it; stop it for a moment until what it says has been seen."""
    await world.put(DIGITS, SPEC)
    order = await _ordered(world, RAY_JOB)
    account = folder / "worker.kubeconfig"
    plane.write_kubeconfig(account, await token(plane.kubeconfig, DIGITS.namespace, order.name))
    here = {**order.arguments, "artifact": str(folder / "artifact"), "work": str(folder / "work")}
    file = folder / "order.json"
    file.write_text(order.model_copy(update={"arguments": here}).model_dump_json())
    command = [sys.executable, "-c", _WORKER, str(file), DIGITS.namespace]
    process = subprocess.Popen(command, env={**os.environ, "KUBECONFIG": str(account)})
    try:
        await world.until(lambda: _has_told_an_epoch(world, order) or process.poll() is not None)
        process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(wait_until, is_seen, "Prometheus has seen the training", 60)
        process.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(process.wait, 120) == 0
    finally:
        process.kill()
        process.wait()
    await world.until(lambda: _summary(world, order) is not None)
    made = _summary(world, order)
    assert made is not None
    return made


async def pass_gate(world: World, made: Summary) -> None:
    """Start the pods of candidate and baseline, and let the proof succeed, until the model serves."""
    await world.until(lambda: len(world.cache.owned(DIGITS, DEPLOYMENT)) == 2)
    for workload in list(world.cache.owned(DIGITS, DEPLOYMENT)):
        await world.start_pods(DIGITS, workload)
    order = await _ordered(world, JOB)
    proved = made.model_copy(update={"metrics": {"accuracy": 97.5, "sizeBytes": 50_000.0, "p50Ms": 0.4}})
    await world.report(DIGITS, order.name, summary=proved, finished_at=0.0)
    await world.until(serves(world, DIGITS, 1))


@contextmanager
def serving(made: Summary, folder: Path, ports: dict[str, int]) -> Iterator[None]:
    """What runs in the pod of the served model, on these ports."""
    environment = {**os.environ, "LEPTON_LAST_WORDS": str(folder / "words")}
    module, models = [sys.executable, "-m"], str(folder / "models")
    fetch = [*module, "services.server.fetch", made.artifact, made.digest, models]
    subprocess.run(fetch, env=environment, check=True, timeout=60)
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    serve = [*module, "services.server.serve", DIGITS.name, "served", made.digest, "1", models]
    process = subprocess.Popen([*serve, "--host=127.0.0.1", *options], env=environment)
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{ports['state']}/readyz"), "the server is ready", 60)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


async def give_address(world: World, made: Summary) -> None:
    """Let the served model's pod have an address, as its node does."""
    for pod in world.pods(DIGITS, workload_name(DIGITS, "served", made.digest, "triton")):
        await _place(world, pod)


async def place_operator(world: World, port: int) -> None:
    """A pod of the operator, where its process listens."""
    labels = {"app.kubernetes.io/name": "lepton", "app.kubernetes.io/component": "operator"}
    container = {"name": "operator", "image": "operator", "ports": [{"name": "http", "containerPort": port}]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "operator-0", "namespace": NAMESPACE, "labels": labels},
        "spec": {"containers": [container], "serviceAccountName": "lepton-operator"},
    }
    await _place(world, await world.client.apply(POD, pod))


async def fail(world: World) -> None:
    """A model that waits for somebody, and one of which an admission policy lets nobody report."""
    for one in yaml.safe_load_all(_POLICY):
        await world.client.apply(_KINDS[one["kind"]], one)
    await world.put(PETS, digits(revision=7))
    await world.put(REFUSED, digits())


def ask(port: int) -> None:
    """One picture, and one request that is none."""
    zeros = {"name": "image", "datatype": "UINT8", "shape": _SHAPE, "data": [0] * math.prod(_SHAPE)}
    junk = {"name": "image_bytes", "datatype": "BYTES", "shape": [1, 1], "data": ["junk"]}
    url = f"http://127.0.0.1:{port}/v2/models/{DIGITS.name}/infer"
    for tensor in (zeros, junk):
        try:
            with urlopen(url, json.dumps({"inputs": [tensor]}).encode(), timeout=30):
                assert tensor is zeros
        except HTTPError:
            assert tensor is junk


async def _ordered(world: World, kind: Kind) -> JobOrder:
    """The order of the job whose run is of this kind, once there is one."""

    def found() -> list[JobOrder]:
        config_maps = world.cache.owned(DIGITS, CONFIG_MAP).values()
        orders = [order_of(one) for one in config_maps if JOB_LABEL in one["metadata"]["labels"]]
        return [order for order in orders if run_name(order) in world.cache.owned(DIGITS, kind)]

    await world.until(lambda: bool(found()))
    return found()[0]


def _has_told_an_epoch(world: World, order: JobOrder) -> bool:
    report = report_of(world.object(CONFIG_MAP, DIGITS, order.name), order)
    return report is not None and report.progress is not None and report.progress.accuracy is not None


def _summary(world: World, order: JobOrder) -> Summary | None:
    report = report_of(world.object(CONFIG_MAP, DIGITS, order.name), order)
    return None if report is None else report.summary


async def _place(world: World, pod: Object) -> None:
    await world.set_pod(pod, {**RUNNING, "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]})


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except OSError:
        return False

"""What comes of a model: its logs, predictions and reports."""

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import POD, Kind
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL
from tests.cluster.cli.harness import NAMESPACE, Cluster, File
from tests.cluster.kubelet import NODE, kubelet


def test_the_logs_are_those_of_the_newest_attempt(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("logged"), "--wait")
    assert cluster.lepton("logs", "logged").err == (
        "error: revision 1 of logged has not printed anything yet: `lepton logs logged -f` waits\n"
    )
    lines = ["2026-11-21T17:00:00.1Z gate: asks the candidate", "2026-11-21T17:00:00.2Z gate: done"]
    with kubelet(lines) as (port, asked):

        async def run_the_gate(client: Client) -> str:
            """Do as scheduler and kubelet do."""
            await _add_node(client, port)
            gates, _ = await client.list(POD, NAMESPACE, f"{MODEL}=logged,{JOB_LABEL}")
            (pod,) = [one for one in gates if "-gate-" in one["metadata"]["name"]]
            name = pod["metadata"]["name"]
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"name": NODE}}
            await client._request("POST", f"{POD.path(NAMESPACE, name)}/binding", {}, binding)
            return str(name)

        async def see_the_pod_off(client: Client) -> None:
            """Do as the kubelet does when the pod is deleted."""
            await client._request("DELETE", POD.path(NAMESPACE, pod), {}, {"gracePeriodSeconds": 0})

        pod = cluster.ask(run_the_gate)
        assert cluster.ok("logs", "logged") == "gate: asks the candidate\ngate: done\n"
        assert {path.split("?")[0] for path in asked} == {f"/containerLogs/{NAMESPACE}/{pod}/gate"}
        cluster.ask(see_the_pod_off)
    cluster.ok("delete", "logged")


async def _add_node(client: Client, port: int) -> None:
    node = Kind("v1", "Node", "nodes")
    await client.apply(node, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    changes = {"status": status}
    path = f"{node.path(None, NODE)}/status"
    await client._request("PATCH", path, {}, changes, "application/merge-patch+json")


def test_predict_and_report_say_why_there_is_no_answer(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("asked"), "--wait")
    http = cluster.lepton("predict", "asked", "[[1]]")
    assert http.err.startswith("error: nothing answers at asked.default.svc:8000 (http): `lepton doctor`")
    grpc = cluster.lepton("predict", "asked", "[[1]]", "--protocol", "grpc")
    assert "asked.default.svc:8001 can't be reached from here" in grpc.err
    assert (http.code, grpc.code) == (1, 1)
    assert "s3://models/asked-build-" in cluster.lepton("report", "asked").err
    cluster.ok("delete", "asked")

"""The CRDs of prometheus-operator take our monitors and alerts."""

import asyncio

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from tests.cluster.control_plane import ControlPlane
from tests.cluster.metrics.prometheus import apply_monitors, install_definitions


def test_the_api_server_keeps_our_monitors_and_alerts_as_they_are_written(control_plane: ControlPlane) -> None:
    async def applied() -> list[str]:
        await config.load_kube_config(str(control_plane.kubeconfig))
        async with ApiClient() as api:
            client = Client(api)
            await install_definitions(client)
            return [f"{one['kind']} {one['metadata']['name']}" for one in await apply_monitors(client)]

    assert asyncio.run(applied()) == [
        "PodMonitor lepton",
        "PodMonitor lepton-server",
        "PodMonitor lepton-ray",
        "PrometheusRule lepton",
    ]

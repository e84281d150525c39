"""What a server's pod tells on its state port: whether it answers, what it spends, which files it verified.

The keepers of Triton and of a node of Ray Serve use it. It measures nothing itself.
"""

from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from lepton.gate.cost import METRIC, CpuClock

Hindrance = Callable[[], Awaitable[str]]
"""Why the server does not answer now; empty where it does."""


def tell_of_server(registry: CollectorRegistry, spent: CpuClock) -> None:
    """Let the metrics tell what the server spends, for the gate."""
    name = METRIC.removesuffix("_total")
    registry.register(_Counter(name, "CPU seconds of the server and the processes in which it runs the model.", spent))


def tell_of_model(registry: CollectorRegistry, model: str, variant: str, digest: str) -> None:
    """Let the metrics tell which files serve, once they do."""
    meaning = "1; the model that this server loaded, and the digest that it verified."
    info = Gauge("lepton_server_model_info", meaning, ["model", "variant", "digest"], registry=registry)
    info.labels(model, variant, digest).set(1)


async def tell_state(host: str, port: int, hindrance: Hindrance, registry: CollectorRegistry) -> web.AppRunner:
    """Answer /readyz and /metrics until the runner is cleaned up."""

    async def ready(_: web.Request) -> web.Response:
        why = await hindrance()
        return web.Response(status=503 if why else 200, text=f"{why or 'ok'}\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


class _Counter(Collector):
    """A counter that is read where it is counted."""

    def __init__(self, name: str, meaning: str, read: CpuClock) -> None:
        self._name, self._meaning, self._read = name, meaning, read

    def collect(self) -> Iterator[Metric]:
        """Its value now."""
        yield CounterMetricFamily(self._name, self._meaning, value=self._read())

"""Serves one model in a pod: keeps Triton up, loads the fetched artifact, heals it, and tells whether it answers.

`python -m services.server.serve NAME VARIANT DIGEST INSTANCES FOLDER`. Triton calls a model ready whose process has
died; so the pod's readiness is asked here, on /readyz, where the last real inference counts.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.metrics import Metrics
from lepton.backends.local.models import Models, Served
from lepton.backends.local.servers import TritonKeeper
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.gate.cost import METRIC, CpuClock, clock_of_process
from services.lastwords import tell

_TICK_S = 0.05


def arguments(given: list[str]) -> argparse.Namespace:
    """What to serve and where to listen."""
    parser = argparse.ArgumentParser()
    for name in ("name", "variant", "digest"):
        parser.add_argument(name)
    parser.add_argument("instances", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - a pod is asked from outside of it
    for option, port in (("http", 8000), ("grpc", 8001), ("metrics", 8002), ("state", 8003)):
        parser.add_argument(f"--{option}-port", type=int, default=port)
    return parser.parse_args(given)


async def serve(options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Serve until told to stop. Raises LeptonError when the model can't be loaded."""
    home = Home(options.folder).make()
    ports = {"http_port": options.http_port, "grpc_port": options.grpc_port}
    settings = Settings(**ports, triton_metrics_port=options.metrics_port)
    triton = Triton(home, settings, options.host)
    models = Models(home, triton)
    metrics = Metrics()
    keeper = TritonKeeper(triton, models, metrics, lambda: None)
    tell_of_server(metrics.registry, partial(_spent, triton))
    runner = await _tell_state(options, keeper, models, metrics.registry)
    keeping = asyncio.create_task(keeper.keep())
    try:
        while keeper.state == "starting" and not stop.is_set():
            await asyncio.sleep(_TICK_S)
        if keeper.trouble is not None:
            raise keeper.trouble
        await asyncio.to_thread(models.load, _served(options, home))
        tell_of_model(metrics.registry, options.name, options.variant, options.digest)
        await stop.wait()
    finally:
        keeping.cancel()
        await asyncio.to_thread(triton.stop)
        await runner.cleanup()


def _served(options: argparse.Namespace, home: Home) -> Served:
    copy = home.cache / options.digest.removeprefix("sha256:")
    return Served(
        name=options.name,
        kind="Traffic",
        namespace="default",
        model=options.name,
        variant=options.variant,
        artifact=str(copy),
        digest=options.digest,
        instances=options.instances,
    )


def tell_of_server(registry: CollectorRegistry, spent: CpuClock) -> None:
    """Let the metrics tell what the server spends, for the gate."""
    name = METRIC.removesuffix("_total")
    registry.register(_Counter(name, "CPU seconds of Triton and the processes in which it runs the model.", spent))


def tell_of_model(registry: CollectorRegistry, model: str, variant: str, digest: str) -> None:
    """Let the metrics tell which files serve, once they do."""
    meaning = "1; the model that this server loaded, and the digest that it verified."
    info = Gauge("lepton_server_model_info", meaning, ["model", "variant", "digest"], registry=registry)
    info.labels(model, variant, digest).set(1)


def _spent(triton: Triton) -> float:
    record = triton.alive()
    return 0.0 if record is None else clock_of_process(record.pid)()


class _Counter(Collector):
    """A counter that is read where it is counted."""

    def __init__(self, name: str, meaning: str, read: CpuClock) -> None:
        self._name, self._meaning, self._read = name, meaning, read

    def collect(self) -> Iterator[Metric]:
        """Its value now."""
        yield CounterMetricFamily(self._name, self._meaning, value=self._read())


async def _tell_state(
    options: argparse.Namespace, keeper: TritonKeeper, models: Models, registry: CollectorRegistry
) -> web.AppRunner:
    async def ready(_: web.Request) -> web.Response:
        loaded = keeper.state == "ready" and await asyncio.to_thread(models.digest, options.name) == options.digest
        answers = loaded and models.is_healthy(options.name)
        return web.Response(status=200 if answers else 503, text="ok\n" if answers else f"{keeper.state}\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, options.host, options.state_port).start()
    return runner


async def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM. Returns the exit status."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await serve(options, stop)
    except LeptonError as error:
        logging.getLogger("lepton.server").error("%s", error.message)
        tell(error)
        return 1
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    sys.exit(asyncio.run(run(arguments(sys.argv[1:]))))

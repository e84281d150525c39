"""Serves one model in a pod: keeps Triton up, loads the fetched artifact, heals it, and tells whether it answers.

`python -m services.server.serve NAME VARIANT DIGEST INSTANCES FOLDER`. Triton calls a model ready whose process has
died; so the pod's readiness is asked here, on /readyz, where the last real inference counts.
"""

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.metrics import Metrics
from lepton.backends.local.models import Models, Served
from lepton.backends.local.servers import TritonKeeper
from lepton.backends.local.triton import Triton
from lepton.gate.cost import clock_of_process
from services.lastwords import served
from services.server.state import Hindrance, tell_of_model, tell_of_server, tell_state

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
    hindrance = _hindrance(options, keeper, models)
    runner = await tell_state(options.host, options.state_port, hindrance, metrics.registry)
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


def _spent(triton: Triton) -> float:
    record = triton.alive()
    return 0.0 if record is None else clock_of_process(record.pid)()


def _hindrance(options: argparse.Namespace, keeper: TritonKeeper, models: Models) -> Hindrance:
    async def read() -> str:
        loaded = keeper.state == "ready" and await asyncio.to_thread(models.digest, options.name) == options.digest
        return "" if loaded and models.is_healthy(options.name) else keeper.state

    return read


if __name__ == "__main__":
    sys.exit(served(partial(serve, arguments(sys.argv[1:]))))

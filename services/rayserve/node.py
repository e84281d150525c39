"""What a serving pod of a RayService runs: a node of Ray, and on the state port whether the model answers through it.

`python -m services.rayserve.node NAME VARIANT DIGEST COUNTS`, with Ray's own command in the environment, where KubeRay
puts it; in the folder COUNTS the replicas of this node leave what they count.
It submits and loads nothing: KubeRay gives the application to Ray, and Ray Serve places it on the nodes.
"""

import argparse
import asyncio
import os
import sys
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from lepton.backends.local.models import probe
from lepton.errors import LeptonError
from lepton.gate.cost import clock_of_process
from lepton.spec.reasons import Reason
from services.lastwords import served
from services.server.state import tell_of_model, tell_of_server, tell_state

RAY = "KUBERAY_GEN_RAY_START_CMD"
"""Where KubeRay leaves the command that starts Ray as it wants it."""
_OPEN_FILES = 65536
"""As many as KubeRay gives Ray."""
_STARTING_S, _UP_S, _ASK_S = 0.5, 5.0, 5.0
"""Seconds between two questions until the first answer and then; how long asking for the digest may take."""


def arguments(given: list[str]) -> argparse.Namespace:
    """What is served and where."""
    parser = argparse.ArgumentParser()
    for name in ("name", "variant", "digest"):
        parser.add_argument(name)
    parser.add_argument("counts", type=Path)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - a pod is asked from outside of it
    for option, port in (("grpc", 8001), ("metrics", 8002), ("state", 8003)):
        parser.add_argument(f"--{option}-port", type=int, default=port)
    return parser.parse_args(given)


class Model:
    """The served model as this node's proxy answers for it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._name, self._digest = options.name, options.digest
        self._client = InferenceServerClient(f"127.0.0.1:{options.grpc_port}")
        self.trouble = "starting"

    async def watch(self, registry: CollectorRegistry, variant: str) -> None:
        """Ask it one real question after the other, until cancelled."""
        told = False
        while True:
            self.trouble = await asyncio.to_thread(self._ask)
            if not self.trouble and not told:
                tell_of_model(registry, self._name, variant, self._digest)
                told = True
            await asyncio.sleep(_UP_S if told else _STARTING_S)

    async def hindrance(self) -> str:
        """What went wrong with the last question."""
        return self.trouble

    def _ask(self) -> str:
        try:
            config = self._client.get_model_config(self._name, client_timeout=_ASK_S).config
            loaded = config.parameters["digest"].string_value
            if loaded != self._digest:
                return f"{loaded} is loaded instead of {self._digest}"
            probe(self._client, self._name)
        except InferenceServerException as error:
            return str(error)
        return ""


def tell_counts(options: argparse.Namespace) -> None:
    """Answer Prometheus with what the replicas of this node have counted; what earlier ones left is forgotten."""
    options.counts.mkdir(exist_ok=True)
    for left in options.counts.glob("*.db"):
        left.unlink()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(options.counts))  # type: ignore[no-untyped-call]  # prometheus_client types no collectors
    start_http_server(options.metrics_port, options.host, registry)


async def serve(options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Run Ray until told to stop. Raises LeptonError when Ray ends by itself, and what ended the questions."""
    tell_counts(options)
    command = f"ulimit -n {_OPEN_FILES} 2>/dev/null; exec {os.environ[RAY]}"
    ray = await asyncio.create_subprocess_exec("bash", "-c", command)
    registry = CollectorRegistry()
    tell_of_server(registry, clock_of_process(ray.pid))
    model = Model(options)
    runner = await tell_state(options.host, options.state_port, model.hindrance, registry)
    watching = asyncio.create_task(model.watch(registry, options.variant))
    ended, stopped = asyncio.create_task(ray.wait()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([ended, stopped, watching], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()  # else it would be ready for ever, whatever becomes of it
        if not stop.is_set():
            message = f"Ray ended with exit code {ray.returncode}: see the container's log; the pod is started again"
            raise LeptonError(Reason.SERVER_UNAVAILABLE, message)
    finally:
        watching.cancel()
        stopped.cancel()
        if ray.returncode is None:
            ray.terminate()
            await ended
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(served(partial(serve, arguments(sys.argv[1:]))))

"""The operator: watches what it must know, waits for the lease, and works until it is told to stop."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, OF_A_MODEL
from lepton.backends.kubernetes.names import MODEL
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.kubernetes.telling import TellingBackend
from operators.lepton_operator.controller import Controller
from operators.lepton_operator.lease import GRACE_S, Election
from operators.lepton_operator.metrics import Metrics
from operators.lepton_operator.queue import Queue
from operators.lepton_operator.reflector import Reflector
from operators.lepton_operator.web import serve


@dataclass(frozen=True)
class Options:
    """How one operator runs."""

    home: str
    """The namespace of its own lease."""
    identity: str
    """As whom it holds the lease: the name of its pod."""
    watched: str | None
    """The namespace whose models it looks after; None for all."""
    host: str
    """Where probes and Prometheus ask."""
    port: int
    workers: int = 8


async def operate(api: ApiClient, settings: Settings, options: Options) -> None:
    """Run until cancelled. Raises Lost when another operator takes over."""
    election, queue, metrics = Election(api, options.home, options.identity), Queue(), Metrics()
    client = Client(api, may_write=election.holds)
    cache = Cache(queue.add)
    reflectors = [Reflector(client, cache, LEPTON_MODEL, options.watched, "")]
    reflectors += [Reflector(client, cache, kind, options.watched, MODEL) for kind in OF_A_MODEL]
    backend = TellingBackend(client, cache, settings, queue.add)
    controller = Controller(backend, queue, metrics)
    metrics.queue_depth.set_function(lambda: len(queue))

    async def work() -> None:
        metrics.lead(cache)
        try:
            await controller.work_off(options.workers, GRACE_S)
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(backend.all_told(), GRACE_S)

    runner = await serve(
        options.host, options.port, metrics.registry, lambda: all(one.synced.is_set() for one in reflectors)
    )
    try:
        async with asyncio.TaskGroup() as group:
            for reflector in reflectors:
                group.create_task(reflector.run())
            group.create_task(backend.tell())
            await asyncio.gather(*(reflector.synced.wait() for reflector in reflectors))
            await election.lead(work)
    finally:
        await runner.cleanup()

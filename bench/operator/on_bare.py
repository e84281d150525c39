"""The same task on a bare list-watch loop: every event is a pass, in the order in which they come, one at a time.

Without a queue that knows what it holds already, without a lease, backoff, Events, probes or metrics.
"""

import asyncio

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from bench.operator.others import Passes
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, OF_A_MODEL
from lepton.backends.kubernetes.names import MODEL
from lepton.plan.types import Key
from operators.lepton_operator.reflector import Reflector


async def main() -> None:
    """Go on until ended."""
    await config.load_kube_config()  # type: ignore[no-untyped-call]  # untyped in the client
    due: asyncio.Queue[Key] = asyncio.Queue()
    async with ApiClient() as api, asyncio.TaskGroup() as group:
        client, cache = Client(api), Cache(due.put_nowait)
        passes = Passes(client, cache)
        watched = [(LEPTON_MODEL, ""), *((kind, MODEL) for kind in OF_A_MODEL)]
        reflectors = [Reflector(client, cache, kind, None, selector) for kind, selector in watched]
        for reflector in reflectors:
            group.create_task(reflector.run())
        group.create_task(passes.tell())
        await asyncio.gather(*(reflector.synced.wait() for reflector in reflectors))
        while True:
            key = await due.get()
            wait_s = await passes.make(key)
            if wait_s is not None:
                asyncio.get_running_loop().call_later(wait_s, due.put_nowait, key)


if __name__ == "__main__":
    asyncio.run(main())

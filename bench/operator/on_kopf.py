"""The same task on kopf: `python -m bench.operator.on_kopf`.

As kopf's documents advise: what a model owns is indexed, so that all of it is known before the first handler runs, and
handlers of the model and of what it owns lead to the same function.
"""

import asyncio
from collections import defaultdict
from typing import Any

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from bench.operator.others import Passes
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, OF_A_MODEL, Kind
from lepton.backends.kubernetes.names import MODEL
from lepton.plan.types import Key


def _address(kind: Kind) -> tuple[str, str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.plural


class Operator:
    """The handlers."""

    def __init__(self, client: Client) -> None:
        self._cache = Cache()
        self._turns: dict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.passes = Passes(client, self._cache)

    def register(self) -> None:
        """Tell kopf which function hears of what."""
        for kind in OF_A_MODEL:
            kopf.index(*_address(kind), id=f"know-{kind.plural}", labels={MODEL: kopf.PRESENT})(self._know(kind))
            kopf.on.event(*_address(kind), id=f"hear-{kind.plural}", labels={MODEL: kopf.PRESENT})(self._hear(kind))
        kopf.on.event(*_address(LEPTON_MODEL), id="hear-models")(self._hear(LEPTON_MODEL))
        kopf.on.resume(*_address(LEPTON_MODEL), id="resume")(self._decide)
        kopf.on.create(*_address(LEPTON_MODEL), id="create")(self._decide)
        kopf.on.update(*_address(LEPTON_MODEL), id="update")(self._decide)

    async def _decide(self, *, namespace: str | None, name: str, **_: Any) -> None:
        key = Key(namespace or "", name)
        async with self._turns[key]:
            wait_s = await self.passes.make(key)
        if wait_s is not None:
            raise kopf.TemporaryError("another look is due", delay=wait_s)

    def _know(self, kind: Kind) -> Any:
        async def know(body: kopf.Body, **_: Any) -> None:
            self._cache.put(kind, dict(body))

        return know

    def _hear(self, kind: Kind) -> Any:
        async def hear(type: str | None, body: kopf.Body, namespace: str, name: str, **_: Any) -> None:  # noqa: A002 - kopf's word
            (self._cache.remove if type == "DELETED" else self._cache.put)(kind, dict(body))
            key = Key(namespace, name if kind == LEPTON_MODEL else body["metadata"]["labels"][MODEL])
            if type is not None:  # the first look at what was there is the model's own, in `resume`
                async with self._turns[key]:
                    await self.passes.make(key)

        return hear


async def main() -> None:
    """Go on until ended."""
    await config.load_kube_config()  # type: ignore[no-untyped-call]  # untyped in the client
    async with ApiClient() as api:
        operator = Operator(Client(api))
        operator.register()
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        telling = asyncio.create_task(operator.passes.tell())
        await kopf.operator(clusterwide=True, standalone=True, settings=settings)
        telling.cancel()


if __name__ == "__main__":
    asyncio.run(main())

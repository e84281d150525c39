"""Parts that a cluster has or lacks: their CustomResourceDefinitions, put there for some tests and taken away again."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import Kind, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.world import definitions
from tests.programs.programs import module

CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
KSERVE = ("inferenceservices.serving.kserve.io",)
_PATIENCE_S = 30.0


@contextmanager
def installed(plane: ControlPlane, names: Sequence[str]) -> Iterator[None]:
    """With these definitions meanwhile."""

    async def put() -> None:
        async with _client(plane) as client:
            await define(client, [_known()[name] for name in names])

    async def take_away() -> None:
        async with _client(plane) as client:
            for name in names:
                await client.delete(CRD, "", name)
            async with asyncio.timeout(_PATIENCE_S):
                while {one["metadata"]["name"] for one in (await client.list(CRD, None))[0]} & set(names):
                    await asyncio.sleep(0.05)

    asyncio.run(put())
    try:
        yield
    finally:
        asyncio.run(take_away())


async def define(client: Client, wanted: Sequence[Object]) -> None:
    """Apply definitions and wait until the API server serves them."""
    for definition in wanted:
        await client.apply(CRD, definition)
    async with asyncio.timeout(_PATIENCE_S):
        while not all(_is_established(one) for one in (await client.list(CRD, None))[0]):
            await asyncio.sleep(0.05)


@cache
def _known() -> dict[str, Object]:
    kserve = module("kserve", "github.com/kserve/kserve@v0.20.0") / "config" / "crd" / "full"
    return {one["metadata"]["name"]: one for one in definitions(kserve, "*_inferenceservices.yaml")}


@asynccontextmanager
async def _client(plane: ControlPlane) -> AsyncIterator[Client]:
    await config.load_kube_config(str(plane.kubeconfig))
    async with ApiClient() as api:
        yield Client(api)


def _is_established(definition: Object) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)

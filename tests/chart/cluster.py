"""What an administrator asks a real API server, beside what Lepton's own client can."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import Kind, Object
from tests.cluster.control_plane import ControlPlane

T = TypeVar("T")


def ask(plane: ControlPlane, question: Callable[[Client], Awaitable[T]]) -> T:
    """What the API server says to an administrator."""

    async def asking() -> T:
        await config.load_kube_config(str(plane.kubeconfig))
        async with ApiClient() as api:
            return await question(Client(api))

    return asyncio.run(asking())


async def try_out(client: Client, object_: Object) -> None:
    """Let the API server judge an object without keeping it. Raises ApiError."""
    metadata = object_["metadata"]
    path = (await _kind(client, object_)).path(metadata.get("namespace"), metadata["name"])
    query = {"fieldManager": "tests", "force": "true", "dryRun": "All", "fieldValidation": "Strict"}
    await client._request("PATCH", path, query, object_, "application/apply-patch+yaml")


async def _kind(client: Client, object_: Object) -> Kind:
    """Where the API server keeps objects of this kind."""
    version = object_["apiVersion"]
    listed = await client._request("GET", f"/{'apis' if '/' in version else 'api'}/{version}")
    (plural,) = (it["name"] for it in listed["resources"] if it["kind"] == object_["kind"] and "/" not in it["name"])
    return Kind(version, object_["kind"], plural)


async def until_there(client: Client, path: str) -> Object:
    """What lies at a path, once it does."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await client._request("GET", path)
            except ApiError as error:
                if error.status not in (404, 429):  # not yet there, or its definition changes at this moment
                    raise
            await asyncio.sleep(0.05)

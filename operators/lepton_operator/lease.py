"""One operator works at a time: the one that holds the Lease. Whoever loses it ends, and starts anew as a follower."""

from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, V1Lease, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

NAME = "lepton-operator"
DURATION_S = 15
RENEW_DEADLINE_S = 10.0
RETRY_S = 2.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Lost(Exception):  # noqa: N818 - what happened, not an error of ours
    """The lease is another's now, or could not be renewed in time."""


class _Lock(LeaseLock):
    """The official lock, to which an API server out of reach is one more refusal and not the end."""

    async def get(self, name: str, namespace: str) -> Any:
        try:
            return await super().get(name, namespace)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return False, ApiException(status=0, reason=str(error))

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Not the official one: it asks for pretty=True, which the client of kubernetes 37.0 refuses."""
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        try:
            await self.api_instance.create_namespaced_lease(namespace, lease)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError):
            return False
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        try:
            return await super().update(name, namespace, updated_record)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


async def lead(api: ApiClient, namespace: str, identity: str, work: Work) -> None:
    """Wait for the lease of a namespace, then work for as long as it holds. Raises Lost.

    Who comes back under the identity that holds it goes on at once.
    """

    async def lost() -> None:
        raise Lost(f"{identity} lost the lease {namespace}/{NAME}")

    lock = _Lock(NAME, namespace, identity, api)
    await LeaderElection(Config(lock, DURATION_S, RENEW_DEADLINE_S, RETRY_S, work, lost)).run()

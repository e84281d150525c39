"""One operator works at a time: the one that holds the Lease. Whoever loses it ends, and starts anew as a follower."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, V1Lease, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

NAME = "lepton-operator"
DURATION_S = 15
RENEW_DEADLINE_S = 10.0
RETRY_S = 2.0
GRACE_S = DURATION_S - RENEW_DEADLINE_S - 1
"""How long work may go on after the lease could not be renewed: nobody else can have it yet."""

Work = Callable[[], Coroutine[Any, Any, None]]


class Lost(Exception):  # noqa: N818 - what happened, not an error of ours
    """The lease is another's now, or could not be renewed in time."""


class Hold:
    """Until when the lease is surely ours. Who slept past that must not write, though nobody told it yet."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def renew(self, asked_at: float) -> None:
        """It was asked for at this time of the monotonic clock, and given."""
        self._until = asked_at + DURATION_S

    def holds(self) -> bool:
        """Whether nobody else can have it."""
        return time.monotonic() < self._until


class _Lock(LeaseLock):
    """The official lock, to which an API server out of reach is one more refusal and not the end.

    Who led and finds another in its place has lost it, and does not try for as long as it could renew.
    """

    def __init__(self, namespace: str, identity: str, api: ApiClient, hold: Hold) -> None:
        super().__init__(NAME, namespace, identity, api)
        self._hold = hold
        self.led = asyncio.Event()

    async def get(self, name: str, namespace: str) -> Any:
        try:
            found, record = await super().get(name, namespace)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return False, ApiException(status=0, reason=str(error))
        other = record.holder_identity if isinstance(record, LeaderElectionRecord) else None
        if self.led.is_set() and other not in (None, self.identity):
            raise Lost(f"{self.identity} lost the lease {namespace}/{name} to {other}")
        return found, record

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Not the official one: it asks for pretty=True, which the client of kubernetes 37.0 refuses."""
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        asked_at = time.monotonic()
        try:
            await self.api_instance.create_namespaced_lease(namespace, lease)
        except (ApiException, aiohttp.ClientError, TimeoutError, OSError):
            return False
        self._hold.renew(asked_at)
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        asked_at = time.monotonic()
        try:
            updated = await super().update(name, namespace, updated_record)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
        if updated:
            self._hold.renew(asked_at)
        return updated

    async def release(self) -> None:
        """Hold it no longer, so that another need not wait until it runs out."""
        found, _ = await self.get(self.name, self.namespace)
        held = self.lease_reference
        if not found or held is None or held.spec is None or held.spec.holder_identity != self.identity:
            return
        held.spec.holder_identity = None
        with suppress(ApiException, aiohttp.ClientError, TimeoutError, OSError):  # it runs out by itself
            await self.api_instance.replace_namespaced_lease(self.name, self.namespace, held)


async def lead(api: ApiClient, namespace: str, identity: str, hold: Hold, work: Work) -> None:
    """Wait for the lease of a namespace, then work until cancelled, and release it. Raises Lost, in a group.

    Who comes back under the identity that holds it goes on at once.
    """
    lock = _Lock(namespace, identity, api, hold)

    async def begin() -> None:
        lock.led.set()

    async def lost() -> None:
        raise Lost

    election = LeaderElection(Config(lock, DURATION_S, RENEW_DEADLINE_S, RETRY_S, begin, lost))
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(election.run())
        await lock.led.wait()
        try:
            await work()
        finally:
            if renewing.cancel():
                await asyncio.wait([renewing])
                await lock.release()

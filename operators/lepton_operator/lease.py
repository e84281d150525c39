"""One operator works at a time: the one that holds the Lease. Whoever loses it ends, and starts anew as a follower."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, V1Lease, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

log = logging.getLogger("lepton.operator")

NAME = "lepton-operator"
DURATION_S = 15
RENEW_DEADLINE_S = 10.0
RETRY_S = 2.0
TRY_S = RENEW_DEADLINE_S - RETRY_S - 1
"""How long one try may take: after a connection that went silent another can still be tried."""
GRACE_S = DURATION_S - RENEW_DEADLINE_S - 1
"""How long work may go on after the lease could not be renewed: nobody else can have it yet."""

Work = Callable[[], Coroutine[Any, Any, None]]


class Lost(Exception):  # noqa: N818 - what happened, not an error of ours
    """The lease is another's now, or could not be renewed in time."""


class _Lock(LeaseLock):
    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        """Not the official one: it asks for pretty=True, which the client of kubernetes 37.0 refuses."""
        lease = V1Lease(metadata=V1ObjectMeta(name=name), spec=self.update_lease(election_record))
        try:
            await self.api_instance.create_namespaced_lease(namespace, lease)
        except ApiException:
            return False
        return True


class Election(LeaderElection):
    """The official one, to which an API server that does not answer is one more refusal, not the end or a long wait.

    Who led and finds another in its place has lost the lease, and does not try for as long as it could renew.
    """

    def __init__(self, api: ApiClient, namespace: str, identity: str) -> None:
        self._lock = _Lock(NAME, namespace, identity, api)
        super().__init__(Config(self._lock, DURATION_S, RENEW_DEADLINE_S, RETRY_S, self._begin, self._lose))
        self._led = asyncio.Event()
        self._held_until = float("-inf")

    def holds(self) -> bool:
        """Whether the lease is surely ours. Who slept past that must not write, though nobody told it yet."""
        return time.monotonic() < self._held_until

    async def lead(self, work: Work) -> None:
        """Wait for the lease, then work until cancelled, and give it back. Raises Lost, in a group.

        Who comes back under the identity that holds it goes on at once.
        """
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(self.run())
            await self._led.wait()
            try:
                await work()
            finally:
                if renewing.cancel():
                    await asyncio.wait([renewing])
                    await self.release()

    async def try_acquire_or_renew(self) -> bool:
        """Whether the lease is ours for some more time. Raises Lost."""
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(TRY_S):
                is_ours = await super().try_acquire_or_renew()
        except (aiohttp.ClientError, OSError) as error:  # such as a TimeoutError
            log.warning("the API server does not answer for the lease: %s", str(error) or type(error).__name__)
            return False
        seen = self.observed_record
        if is_ours:
            self._held_until = asked_at + DURATION_S
        elif self._led.is_set() and seen is not None and seen.holder_identity != self._lock.identity:
            self._held_until = float("-inf")  # passes that are under way may write no more
            await self._lose()
        return is_ours

    async def release(self) -> None:
        """Give it back, so that another need not wait until it runs out."""
        self._held_until = float("-inf")
        lock = self._lock
        with suppress(ApiException, aiohttp.ClientError, OSError):  # then it runs out by itself
            async with asyncio.timeout(TRY_S):
                await lock.get(lock.name, lock.namespace)
                held = lock.lease_reference
                if held is not None and held.spec is not None and held.spec.holder_identity == lock.identity:
                    held.spec.holder_identity = None
                    await lock.api_instance.replace_namespaced_lease(lock.name, lock.namespace, held)

    async def _begin(self) -> None:
        self._led.set()

    async def _lose(self) -> None:
        raise Lost

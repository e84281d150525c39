"""The lease: who finds it with another writes no more, and an API server that does not answer keeps nobody waiting."""

import asyncio
import json

import aiohttp
import pytest
from kubernetes.aio import client
from kubernetes.aio.client import ApiClient, ApiException, V1Lease

from operators.lepton_operator import lease
from operators.lepton_operator.lease import Election, Lost


class Leases:
    """An API server that keeps one Lease, and may be out of reach or without an answer."""

    def __init__(self) -> None:
        self.held: V1Lease | None = None
        self.is_silent = False
        self.fails: Exception | None = None

    async def read_namespaced_lease(self, name: str, namespace: str) -> V1Lease:
        await self._answer()
        if self.held is None:
            missing = ApiException(status=404, reason="Not Found")
            missing.body = json.dumps({"code": 404})
            raise missing
        return self.held.model_copy(deep=True)

    async def create_namespaced_lease(self, namespace: str, body: V1Lease) -> None:
        await self._answer()
        self.held = body

    async def replace_namespaced_lease(self, name: str, namespace: str, body: V1Lease) -> None:
        await self._answer()
        self.held = body

    async def _answer(self) -> None:
        if self.is_silent:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails

    @property
    def holder(self) -> str | None:
        assert self.held is not None
        assert self.held.spec is not None
        return self.held.spec.holder_identity

    @holder.setter
    def holder(self, identity: str) -> None:
        assert self.held is not None
        assert self.held.spec is not None
        self.held.spec.holder_identity = identity


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> Leases:
    kept = Leases()
    monkeypatch.setattr(client, "CoordinationV1Api", lambda api_client: kept)
    monkeypatch.setattr(lease, "TRY_S", 0.01)
    return kept


def election() -> Election:
    return Election(ApiClient(), "lepton-system", "operator-0")


def test_who_is_done_gives_the_lease_back_and_writes_no_more(leases: Leases) -> None:
    async def story() -> tuple[bool, bool]:
        one, held = election(), []

        async def work() -> None:
            held.append((leases.holder, one.holds()))

        await one.lead(work)
        return held == [("operator-0", True)], one.holds()

    assert asyncio.run(story()) == (True, False)
    assert leases.holder is None


@pytest.mark.parametrize("fails", [None, aiohttp.ClientConnectionError("reset"), OSError("no route")])
def test_an_api_server_that_does_not_answer_is_asked_again(leases: Leases, fails: Exception | None) -> None:
    async def story() -> list[bool]:
        one = election()
        ours = [await one.try_acquire_or_renew()]
        leases.is_silent, leases.fails = fails is None, fails
        ours.append(await asyncio.wait_for(one.try_acquire_or_renew(), 5))
        leases.is_silent, leases.fails = False, None
        return [*ours, await one.try_acquire_or_renew()]

    assert asyncio.run(story()) == [True, False, True]


def test_an_api_server_that_does_not_answer_keeps_nobody_from_ending(leases: Leases) -> None:
    async def story() -> None:
        async def work() -> None:
            leases.is_silent = True

        await asyncio.wait_for(election().lead(work), 5)

    asyncio.run(story())
    assert leases.holder == "operator-0"


def test_who_finds_another_in_its_place_has_lost_it_and_writes_no_more(leases: Leases) -> None:
    held = []

    async def story() -> None:
        one = election()

        async def work() -> None:
            held.append(one.holds())
            leases.holder = "operator-1"
            with pytest.raises(Lost):
                await one.try_acquire_or_renew()
            held.append(one.holds())

        await one.lead(work)

    asyncio.run(story())
    assert (held, leases.holder) == ([True, False], "operator-1")


def test_who_never_led_waits_for_the_one_that_does(leases: Leases) -> None:
    async def story() -> list[bool]:
        first, second = election(), Election(ApiClient(), "lepton-system", "operator-1")
        return [await first.try_acquire_or_renew(), await second.try_acquire_or_renew(), second.holds()]

    assert asyncio.run(story()) == [True, False, False]

"""What the operator answers to probes and to Prometheus, asked over HTTP while its API server answers or does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from lepton.backends.kubernetes.kinds import LEPTON_MODEL, OF_A_MODEL, POD, Kind
from lepton.backends.kubernetes.settings import Settings
from operators.lepton_operator.operator import Options, operate
from tests.installation import free_ports

SETTINGS = Settings(worker_image="worker", server_image="server", artifacts="s3://models")
KINDS = {kind.plural for kind in (LEPTON_MODEL, *OF_A_MODEL)}
PATIENCE_S = 20.0


class ApiServer:
    """Has nothing, and tells so of each kind, of one once it may; nobody gets a lease of it."""

    def __init__(self, held: Kind | None = None) -> None:
        self.may_list = asyncio.Event()
        self._unlisted = set(KINDS)
        self._held = held and held.plural

    async def answer(self, request: web.Request) -> web.Response:
        kind = request.path.rpartition("/")[2]
        if "watch" in request.query:
            await asyncio.Event().wait()
        if kind not in KINDS:
            return web.json_response({}, status=404)
        if kind == self._held:
            await self.may_list.wait()
        self._unlisted.discard(kind)
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": []})

    async def has_told_of_the_others(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self._unlisted != {self._held}:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def operating(server: ApiServer) -> AsyncIterator[str]:
    """Where an operator of that API server answers."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    theirs, ours = free_ports(2)
    await web.TCPSite(runner, "127.0.0.1", theirs).start()
    async with ApiClient(Configuration(host=f"http://127.0.0.1:{theirs}")) as api:
        task = asyncio.create_task(operate(api, SETTINGS, Options("home", "one", None, "127.0.0.1", ours)))
        try:
            yield f"http://127.0.0.1:{ours}"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await runner.cleanup()


async def asked(url: str) -> tuple[int, str]:
    """What it answers, once it does."""
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    return answer.status, await answer.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.01)


async def until_ready(url: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await asked(f"{url}/readyz"))[0] != 200:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("last", [LEPTON_MODEL, POD], ids=lambda kind: kind.plural)
def test_it_is_alive_at_once_and_ready_when_it_knows_all_that_there_is(last: Kind) -> None:
    async def story() -> None:
        server = ApiServer(held=last)
        async with operating(server) as url:
            await server.has_told_of_the_others()
            assert await asked(f"{url}/healthz") == (200, "ok\n")
            assert await asked(f"{url}/readyz") == (503, "still listing\n")
            server.may_list.set()
            await until_ready(url)
            assert await asked(f"{url}/healthz") == (200, "ok\n")

    asyncio.run(story())


def test_prometheus_gets_all_figures_or_those_that_it_names() -> None:
    async def story() -> tuple[str, str]:
        async with operating(ApiServer()) as url:
            _, everything = await asked(f"{url}/metrics")
            _, some = await asked(f"{url}/metrics?name[]=lepton_leader")
            return everything, some

    everything, some = asyncio.run(story())
    assert "lepton_reconciles_total" in everything
    assert [line for line in some.splitlines() if not line.startswith("#")] == ["lepton_leader 0.0"]

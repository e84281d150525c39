"""What becomes of requests that do not come to a good end: an ApiError, whatever the matter is."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import CONFIG_MAP

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refresh = Callable[[Configuration], None]


def asked(answer: Handler, refresh: Refresh | None = None) -> ApiError:
    """What a watch raises at an API server that answers so."""

    async def story() -> ApiError:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        configuration = Configuration(host=f"http://{host}:{port}", api_key={"BearerToken": "bearer x"})
        configuration.client_session_kwargs = {"read_bufsize": 1024}
        configuration.refresh_api_key_hook = refresh
        try:
            async with ApiClient(configuration) as api:
                with pytest.raises(ApiError) as raised:
                    async for _ in Client(api).watch(CONFIG_MAP, None, "7"):
                        pass
        finally:
            await runner.cleanup()
        return raised.value

    return asyncio.run(story())


async def one_long_line(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"type":"ADDED","object":{"data":"' + b"x" * 10_000 + b'"}}\n')
    return response


def test_what_is_too_large_for_a_watch_is_brought_by_a_list() -> None:
    error = asked(one_long_line)
    assert (error.status, error.message) == (410, "one of the configmaps is too large for a watch: a list brings it")


def test_a_token_that_can_not_be_read_is_tried_again_as_all_else() -> None:
    def refresh(_: Configuration) -> None:
        raise FileNotFoundError("/var/run/secrets/token")

    assert asked(one_long_line, refresh).status == 0

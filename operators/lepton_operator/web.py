"""What the operator answers over HTTP: is it alive, does it know the cluster, and its metrics."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST


async def serve(host: str, port: int, registry: CollectorRegistry, is_ready: Callable[[], bool]) -> web.AppRunner:
    """Answer on /healthz, /readyz and /metrics until the runner is cleaned up.

    Of the metrics `?name[]=` chooses some, as with all of Prometheus's clients.
    """

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        known = is_ready()
        return web.Response(status=200 if known else 503, text="ok\n" if known else "still listing\n")

    async def metrics(request: web.Request) -> web.Response:
        names = request.query.getall("name[]", [])
        told = registry.restricted_registry(names) if names else registry
        return web.Response(body=generate_latest(told), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner

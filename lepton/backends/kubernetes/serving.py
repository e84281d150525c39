"""Makes the servers of a model and the names and routes that lead to them. Called by the backend; it decides nothing.

Which servers there are, and who is sent to them, is read by workloads.
"""

from collections.abc import Callable
from functools import partial

from lepton.backends.kubernetes import routes, workloads
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import NotInstalled
from lepton.backends.kubernetes.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRPC_ROUTE,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    RAY_SERVICE,
    SERVICE,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import Engine, engine_of, workload_name
from lepton.backends.kubernetes.render import service as services
from lepton.backends.kubernetes.render.disruption import budget
from lepton.backends.kubernetes.render.kserve import inference_service
from lepton.backends.kubernetes.render.rayserve import ray_service
from lepton.backends.kubernetes.render.route import grpc_route, http_route
from lepton.backends.kubernetes.render.workload import deployment, variant_of
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.kubernetes.writer import Writer
from lepton.plan.types import Endpoint, Key, Ref, Traffic
from lepton.spec.deploy import Deploy

_MAKERS: dict[Engine, tuple[Kind, Callable[[Key, str, str, Endpoint | Traffic, Settings], Object]]] = {
    "triton": (DEPLOYMENT, deployment),
    "kserve": (INFERENCE_SERVICE, inference_service),
    "rayserve": (RAY_SERVICE, ray_service),
}


class Serving:
    """Raises ApiError: NotInstalled where the cluster lacks a kind, Taken where somebody else has the model's name."""

    def __init__(self, writer: Writer, cache: Cache, settings: Settings) -> None:
        self._writer = writer
        self._cache = cache
        self._settings = settings

    async def require_names(self, key: Key, uid: str) -> None:
        """Raise Taken where somebody else has a Service or a route of the model's name."""
        routed = (HTTP_ROUTE, GRPC_ROUTE) if self._settings.gateway is not None else ()
        for kind in (SERVICE, *filter(self._cache.serves, routed)):
            await self._writer.require_free(kind, key, uid)

    async def apply_endpoint(self, key: Key, uid: str, endpoint: Endpoint) -> None:
        """A workload that users reach stays as the traffic wants it, though it is proved anew."""
        workload = self._workload(key, endpoint)
        await self._writer.apply(SERVICE, services.of_endpoint(key, uid, endpoint.name, workload))
        if workload not in workloads.of_traffic(key.name, partial(self._cache.owned, key)):
            await self._apply_workload(key, uid, workload, endpoint)

    async def apply_traffic(self, key: Key, uid: str, traffic: Traffic) -> None:
        """The Service moves once all servers of the new workload answer; until then the old one keeps it."""
        wanted = self._workload(key, traffic)
        service = self._cache.get(SERVICE, key.namespace, key.name)
        selected = (None if service is None else workloads.selected_by(service)) or wanted
        if workloads.ready_servers(wanted, partial(self._cache.owned, key)) >= traffic.deploy.replicas:
            selected = wanted
        await self._writer.require_free(SERVICE, key, uid)
        await self._writer.apply(SERVICE, services.of_traffic(key, uid, selected, wanted))
        await self._apply_workload(key, uid, wanted, traffic)
        of_ray = traffic.deploy.replicas if self._engine(traffic.deploy) == "rayserve" else None
        await self._writer.apply(DISRUPTION_BUDGET, budget(key, uid, wanted, of_ray))
        await self._apply_routes(key, uid, selected)
        await self._delete_unused(key)

    async def delete(self, key: Key, ref: Ref) -> None:
        """Delete the names of an endpoint or of the traffic, and the servers to which nothing else leads."""
        if ref.kind == "Traffic":
            for kind in (HTTP_ROUTE, GRPC_ROUTE):
                await self._writer.delete(kind, key, ref.name)
        await self._writer.delete(SERVICE, key, ref.name)
        await self._delete_unused(key)

    async def _apply_routes(self, key: Key, uid: str, selected: str) -> None:
        """Where there is a Gateway, it leads users to the selected workload; where there is none, no route is left."""
        gateway = self._settings.gateway
        for kind, render in ((HTTP_ROUTE, http_route), (GRPC_ROUTE, grpc_route)):
            live = self._cache.get(kind, key.namespace, key.name)
            if gateway is not None:
                if not self._cache.serves(kind):
                    raise NotInstalled(kind)
                await self._writer.require_free(kind, key, uid)
                weights = routes.next_weights(live, selected)
                for workload in weights:
                    await self._writer.apply(SERVICE, services.of_backend(key, uid, workload))
                await self._writer.apply(kind, render(key, uid, gateway, weights))
            elif live is not None:
                await self._writer.delete(kind, key, key.name)
        if gateway is None:
            for name in workloads.backends(partial(self._cache.owned, key)):
                await self._writer.delete(SERVICE, key, name)

    def _engine(self, deploy: Deploy) -> Engine:
        return engine_of(deploy, self._cache.serves(INFERENCE_SERVICE))

    def _workload(self, key: Key, desired: Endpoint | Traffic) -> str:
        return workload_name(key, variant_of(desired), desired.digest, self._engine(desired.deploy))

    async def _apply_workload(self, key: Key, uid: str, name: str, desired: Endpoint | Traffic) -> None:
        kind, render = _MAKERS[self._engine(desired.deploy)]
        await self._writer.apply(kind, render(key, uid, name, desired, self._settings))
        if self._settings.gateway is not None and self._cache.serves(HTTP_ROUTE) and variant_of(desired) == "served":
            # so that it is known when a route names it
            await self._writer.apply(SERVICE, services.of_backend(key, uid, name))

    async def _delete_unused(self, key: Key) -> None:
        for kind, name in workloads.unused(partial(self._cache.owned, key)):
            await self._writer.delete(kind, key, name)

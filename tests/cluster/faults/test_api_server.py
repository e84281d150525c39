"""The way to the API server breaks, or others write what the operator writes: it comes to the same end."""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Object
from lepton.plan.types import Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import LIFE_S, live_through, moment
from tests.cluster.faults.proxy import Proxy
from tests.cluster.operator import Operator, requests
from tests.cluster.world import World
from tests.installation import free_ports


def behind_a_proxy(plane: ControlPlane, folder: Path) -> tuple[Proxy, Operator]:
    """An operator that knows the API server under the proxy's address alone."""
    proxy = Proxy(plane.url, *free_ports(1))
    return proxy, Operator(plane, folder / "behind", through=proxy.url)


def listed_models(plane: ControlPlane, since: str) -> bool:
    """Whether an operator has asked for all models from a time on: only who can't resume does."""
    return any(
        one["verb"] == "list"
        and one["objectRef"]["resource"] == LEPTON_MODEL.plural
        and one["requestReceivedTimestamp"] > since
        for one in requests(plane)
    )


def test_its_connections_are_cut_time_and_again(
    control_plane: ControlPlane, tmp_path: Path, key: Key, chance: random.Random
) -> None:
    proxy, operator = behind_a_proxy(control_plane, tmp_path)

    async def strike(_: World) -> None:
        for _ in range(5):
            proxy.cut()
            await moment(chance)

    with operator:
        live_through(control_plane, key, chance, strike, proxy)


def test_its_watches_resume_where_the_api_server_has_forgotten(
    control_plane: ControlPlane, tmp_path: Path, key: Key, chance: random.Random
) -> None:
    """The API server answers 410 Gone: what it keeps of the past begins anew when it starts."""
    proxy, operator = behind_a_proxy(control_plane, tmp_path)

    async def strike(world: World) -> None:
        proxy.close()
        await world.client.merge(LEPTON_MODEL, key.namespace, key.name, {"metadata": {"labels": {"changed": "yes"}}})
        control_plane.kill_api_server()
        await asyncio.to_thread(control_plane.start_api_server)
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        proxy.open()
        async with asyncio.timeout(60):
            while not listed_models(control_plane, since):
                await asyncio.sleep(0.2)

    with operator:
        live_through(control_plane, key, chance, strike, proxy, operator.kept())


def test_the_api_server_dies_and_comes_back(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    async def strike(_: World) -> None:
        control_plane.kill_api_server()
        await moment(chance)
        await asyncio.to_thread(control_plane.start_api_server)

    live_through(control_plane, key, chance, strike, operator.kept())


def test_somebody_writes_on_the_model_all_the_time(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    """Each status that is written upon an older version is refused with 409."""

    async def write(world: World) -> None:
        end = asyncio.get_running_loop().time() + 2 * LIFE_S
        while asyncio.get_running_loop().time() < end:
            note = f"{chance.random()}"
            changes: Object = {"metadata": {chance.choice(("labels", "annotations")): {"note": note}}}
            with suppress(ApiError):
                await world.client.merge(LEPTON_MODEL, key.namespace, key.name, changes)
            await asyncio.sleep(chance.uniform(0, 0.05))

    live_through(control_plane, key, chance, write)

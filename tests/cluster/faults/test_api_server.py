"""The way to the API server breaks, or others write what the operator writes: it comes to the same end."""

import asyncio
from contextlib import suppress

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import LIFE_S, Victim, live_through
from tests.cluster.faults.proxy import Proxy
from tests.cluster.operator import Operator, requests
from tests.cluster.world import World


def listed_models(plane: ControlPlane, since: int) -> bool:
    """Whether an operator has asked for all models since the audit log was so long: only who can't resume does."""
    return any(one["objectRef"]["resource"] == LEPTON_MODEL.plural for one in requests(plane, '"verb":"list"', since))


def test_its_connections_are_cut_time_and_again(
    control_plane: ControlPlane, operator: Operator, proxy: Proxy, victim: Victim
) -> None:
    async def strike(_: World, victim: Victim) -> None:
        assert proxy.cut() > 0
        for _ in range(2):
            await victim.moment()
            proxy.cut()
        await victim.moment()

    live_through(control_plane, operator, [victim], strike)


def test_its_watches_resume_where_the_api_server_has_forgotten(
    control_plane: ControlPlane, operator: Operator, proxy: Proxy, victim: Victim
) -> None:
    """The API server answers 410 Gone: what it keeps of the past begins anew when it starts."""

    async def strike(world: World, victim: Victim) -> None:
        key = victim.key
        proxy.close()
        await world.client.merge(LEPTON_MODEL, key.namespace, key.name, {"metadata": {"labels": {"changed": "yes"}}})
        control_plane.crash()
        await asyncio.to_thread(control_plane.start)
        since = control_plane.audit.stat().st_size
        proxy.open()
        await world.until(lambda: listed_models(control_plane, since))

    live_through(control_plane, operator, [victim], strike)


def test_the_api_server_dies_and_comes_back(control_plane: ControlPlane, operator: Operator, victim: Victim) -> None:
    async def strike(_: World, victim: Victim) -> None:
        control_plane.crash()
        await victim.moment()
        await asyncio.to_thread(control_plane.start)

    live_through(control_plane, operator, [victim], strike)


def test_somebody_writes_on_the_model_all_the_time(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim]
) -> None:
    """Each status that is written upon an older version is refused with 409."""

    async def write(world: World, victim: Victim) -> None:
        key, chance, written = victim.key, victim.chance, 0
        end = asyncio.get_running_loop().time() + LIFE_S
        while asyncio.get_running_loop().time() < end:
            changes: Object = {"metadata": {chance.choice(("labels", "annotations")): {"note": f"{chance.random()}"}}}
            with suppress(ApiError):
                await world.client.merge(LEPTON_MODEL, key.namespace, key.name, changes)
                written += 1
            await asyncio.sleep(chance.uniform(0, 0.05))
        assert written > 0

    live_through(control_plane, operator, victims, write)

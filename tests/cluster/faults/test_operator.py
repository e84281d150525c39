"""The operator is killed, or loses its lease while it can't know it: another goes on, and nothing shows of it."""

import asyncio

from lepton.backends.kubernetes.kinds import DISRUPTION_BUDGET, Kind
from operators.lepton_operator import lease
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import Victim, live_through, spare
from tests.cluster.operator import NAMESPACE, Operator, requests
from tests.cluster.world import PATIENCE_S, World

LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")


def test_a_life_that_nothing_disturbs(control_plane: ControlPlane, operator: Operator, victims: list[Victim]) -> None:
    live_through(control_plane, operator, victims, spare)


def test_it_is_killed_time_and_again(control_plane: ControlPlane, operator: Operator, victim: Victim) -> None:
    def kill() -> None:
        operator.kill()
        operator.start()

    async def at_first(_: World, victim: Victim) -> None:
        await victim.moment()
        kill()

    async def strike(_: World, victim: Victim) -> None:
        kill()
        await victim.moment()
        kill()

    live_through(control_plane, operator, [victim], strike, at_first)


def written(plane: ControlPlane, operator: Operator, since: int = 0) -> list[str]:
    """What an operator wrote of models since the audit log was so long."""
    return [
        f"{one['verb']} {one['objectRef']['resource']} {one['objectRef'].get('name')}"
        for one in requests(plane, operator.credential, since)
        if one["verb"] not in ("get", "list", "watch")
    ]


async def until_held_by(world: World, identity: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await world.client.get(LEASE, NAMESPACE, lease.NAME))["spec"].get("holderIdentity") != identity:
            await asyncio.sleep(0.1)


def test_one_that_slept_past_its_lease_writes_nothing_and_ends(
    control_plane: ControlPlane, operator: Operator, second: Operator, victim: Victim
) -> None:
    async def strike(world: World, victim: Victim) -> None:
        key = victim.key
        await until_held_by(world, "operator-0")
        second.start()
        await victim.moment()
        operator.freeze()
        await until_held_by(world, "operator-1")
        second.freeze()  # so that there is something to mend once the first awakes, and nobody else does it
        for name in list(world.cache.owned(key, DISRUPTION_BUDGET)):
            await world.client.delete(DISRUPTION_BUDGET, key.namespace, name)
        since = control_plane.audit.stat().st_size
        operator.thaw()
        await world.until(lambda: operator.status() is not None)
        second.thaw()
        assert operator.status() == 1
        assert written(control_plane, operator) != []
        assert written(control_plane, operator, since) == []

    live_through(control_plane, second, [victim], strike)

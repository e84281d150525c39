"""The operator as a process on a real control plane: a model's whole life, and what a restart in it changes."""

import asyncio
from collections import Counter
from typing import Any
from urllib.request import urlopen

from lepton.backends.kubernetes.events import EVENT
from lepton.backends.kubernetes.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    LEPTON_MODEL,
    OF_A_MODEL,
    SERVICE,
    Kind,
)
from lepton.backends.kubernetes.names import WORKLOAD, workload_name
from lepton.plan.types import Key
from operators.lepton_operator import lease
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import NAMESPACE, Operator, requests, serves, status
from tests.cluster.player import playing
from tests.cluster.world import World
from tests.contract.harness import digits
from tests.installation import wait_until

KEY, BIRDS = Key("default", "digits"), Key("default", "birds")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")


def test_a_model_lives_from_its_first_apply_to_its_deletion(control_plane: ControlPlane, operator: Operator) -> None:
    async def life() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            await world.put(KEY, digits(train={"epochs": 2}))
            await world.until(serves(world, KEY, 2))
            second = status(world, KEY).serving
            assert second is not None
            service = world.object(SERVICE, KEY, "digits")
            assert service["spec"]["selector"] == {WORKLOAD: workload_name(KEY, "served", second.digest, "triton")}
            await world.put(KEY, digits(train={"epochs": 2}, revision=1))
            await world.until(serves(world, KEY, 1))
            await world.client.delete(LEPTON_MODEL, KEY.namespace, KEY.name)
            await world.until(lambda: world.cache.model(KEY) is None)
            await world.until(lambda: not any(world.cache.owned(KEY, kind) for kind in OF_A_MODEL))

            assert await asyncio.to_thread(operator.end) == 0
            held = await world.client.get(LEASE, NAMESPACE, lease.NAME)
            assert "holderIdentity" not in held["spec"], "who is stopped in order lets another work at once"

    asyncio.run(life())


def test_a_model_is_brought_up_with_one_write_for_each_object_and_an_event_for_each_change(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def life() -> list[str]:
        async with playing(control_plane) as world:
            await world.put(BIRDS, digits())
            await world.until(serves(world, BIRDS, 1))
            await world.until(lambda: len(world.cache.owned(BIRDS, DEPLOYMENT)) == 1)
            await asyncio.to_thread(operator.end)
            events, _ = await world.client.list(EVENT, BIRDS.namespace)
            return sorted(one["reason"] for one in events if one["regarding"]["name"] == BIRDS.name)

    phases = {"Training", "Gating", "Deploying"}  # whether one is seen before it is over is chance
    told = [reason for reason in asyncio.run(life()) if reason not in phases]
    assert told == ["Compressed", "DataReady", "GatePassed", "RevisionDecided", "TrafficMoved", "Trained"]
    written = [one for one in requests(control_plane) if one["verb"] not in ("get", "list", "watch")]
    targets = [(one["verb"], one["objectRef"]) for one in written]
    counted = Counter(
        f"{verb} {target['resource']}{'/status' if 'subresource' in target else ''} {target['name']}"
        for verb, target in targets
        if target["name"].startswith(BIRDS.name)
    )
    assert counted.pop(f"update leptonmodels/status {BIRDS.name}") <= 8
    assert set(counted.values()) == {1}


def test_more_servers_are_asked_for_by_one_field_and_nothing_is_built_for_it(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def life() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            await world.put(KEY, digits(deploy={"replicas": 3, "resources": {"cpu": 0.25, "memory": "1024Mi"}}))
            await world.until(lambda: ready_servers(world) == 3)
            ((name, servers),) = world.cache.owned(KEY, DEPLOYMENT).items()
            (server,) = servers["spec"]["template"]["spec"]["containers"]
            asked = {"cpu": "250m", "memory": "1Gi"}
            assert server["resources"] == {"requests": asked, "limits": asked}
            (budget,) = world.cache.owned(KEY, DISRUPTION_BUDGET).values()
            assert budget["spec"]["selector"]["matchLabels"] == {WORKLOAD: name}
            assert [one.number for one in status(world, KEY).revisions] == [1]

    def ready_servers(world: World) -> int:
        servers = world.cache.owned(KEY, DEPLOYMENT).values()
        return sum(one.get("status", {}).get("readyReplicas", 0) for one in servers)

    asyncio.run(life())


def test_a_restart_with_everything_settled_lists_each_kind_once_and_from_then_on_asks_nothing(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def life() -> tuple[Counter[str], set[str]]:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            await world.until(lambda: len(world.cache.owned(KEY, DEPLOYMENT)) == 1)
            await asyncio.to_thread(operator.end)
            since = control_plane.audit.stat().st_size
            operator.start()
            await until_passed(operator, 1)
            for number in range(3):
                changes = {"metadata": {"annotations": {"note": f"{number}"}}}
                world.cache.note(LEPTON_MODEL, await world.client.merge(LEPTON_MODEL, *KEY, changes))
                await until_passed(operator, 2 + number)
            asked = [one for one in requests(control_plane, since=since) if one["objectRef"]["resource"] != "leases"]
            kinds = {kind.plural for kind in (LEPTON_MODEL, *OF_A_MODEL) if world.cache.serves(kind)}
        return Counter(f"{one['verb']} {one['objectRef']['resource']}" for one in asked if begins(one)), kinds

    asked, kinds = asyncio.run(life())
    assert asked == dict.fromkeys([f"{verb} {kind}" for kind in kinds for verb in ("list", "watch")], 1)


def begins(request: dict[str, Any]) -> bool:
    """Whether it was begun now: of a watch the log tells its end too."""
    return request["verb"] != "watch" or request["stage"] == "ResponseStarted"


async def until_passed(operator: Operator, passes: int) -> None:
    """Until the operator, since its start, has looked at models so often."""

    def looked() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{operator.port}/metrics?name[]=lepton_reconciles_total", timeout=5) as told:
                samples = dict(line.rsplit(" ", 1) for line in told.read().decode().splitlines() if line[0] != "#")
        except OSError:
            return False
        return float(samples['lepton_reconciles_total{outcome="done"}']) >= passes

    await asyncio.to_thread(wait_until, looked, f"the operator makes {passes} passes", 60)

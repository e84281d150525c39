"""Somebody deletes or edits by hand what the operator made: it is put right, and nothing is built for it."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.jobs import ORDER
from lepton.backends.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRPC_ROUTE,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    RAY_JOB,
    RAY_SERVICE,
    SERVICE,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import DIGEST, WANTED, WORKLOAD
from lepton.backends.kubernetes.render.kserve import CONTAINER
from lepton.plan.types import Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import Victim, live, require_one_run_each, serve
from tests.cluster.operator import Operator, serves, status
from tests.cluster.player import Player
from tests.cluster.world import World
from tests.contract.harness import digits

STRIKES = 6
METADATA: dict[str, Object] = {
    "annotations": {"metadata": {"annotations": None}},
    "labels": {"metadata": {"labels": None}},
    "owners": {"metadata": {"ownerReferences": None}},
}
EDITS: dict[Kind, dict[str, Object]] = {
    SERVICE: {
        **METADATA,
        "another selector": {"spec": {"selector": {WORKLOAD: "nobody"}}},
        "no such selector": {"spec": {"selector": {WORKLOAD: None, "app": "other"}}},
        "no selector": {"spec": {"selector": None}},
        "wanted": {"metadata": {"annotations": {WANTED: "nobody"}}},
    },
    DEPLOYMENT: {
        **METADATA,
        "no servers": {"spec": {"replicas": 0}},
        "digest": {"metadata": {"annotations": {DIGEST: "sha256:other"}}},
        "of another workload": {"metadata": {"labels": {WORKLOAD: "nobody"}}},
    },
    DISRUPTION_BUDGET: {**METADATA, "of another": {"spec": {"selector": {"matchLabels": {WORKLOAD: "nobody"}}}}},
    HTTP_ROUTE: {
        **METADATA,
        "no rules": {"spec": {"rules": []}},
        "another host": {"spec": {"hostnames": ["other.test"]}},
    },
    GRPC_ROUTE: {**METADATA, "no rules": {"spec": {"rules": []}}},
    INFERENCE_SERVICE: {
        **METADATA,
        "no servers": {"spec": {"predictor": {"minReplicas": 0}}},
        "another server": {"spec": {"predictor": {"containers": [{"name": CONTAINER, "image": "other"}]}}},
        "digest": {"metadata": {"annotations": {DIGEST: "sha256:other"}}},
        "of another workload": {"metadata": {"labels": {WORKLOAD: "nobody"}}},
    },
    RAY_SERVICE: {
        **METADATA,
        "no servers": {"spec": {"rayClusterConfig": {"workerGroupSpecs": []}}},
        "nothing to serve": {"spec": {"serveConfigV2": "applications: []"}},
        "digest": {"metadata": {"annotations": {DIGEST: "sha256:other"}}},
        "of another workload": {"metadata": {"labels": {WORKLOAD: "nobody"}}},
    },
}
"""What a hand may do to each kind, as merge patches."""
RUNS: dict[Kind, dict[str, Object]] = {kind: {"labels": METADATA["labels"]} for kind in (RAY_JOB, JOB)}
"""And to a run. One that is deleted is begun again, which test_pods tells."""
ORDERS: dict[Kind, dict[str, Object]] = {
    CONFIG_MAP: {"order": {"data": {ORDER: "no JSON"}}, "no order": {"data": {ORDER: None}}}
}
DURING_A_BUILD = {**EDITS, **ORDERS, **RUNS}
"""And to what belongs to a job: what is over is not put right."""


def made(world: World, key: Key) -> dict[str, Object]:
    """All that the operator wrote, but for runs."""
    return {f"{kind.name} {name}": _told(one) for kind in EDITS for name, one in world.cache.owned(key, kind).items()}


def is_settled(world: World, key: Key) -> bool:
    """Whether all is made that lasts, and the proof's servers are gone."""
    return len(world.cache.owned(key, DISRUPTION_BUDGET)) == 1 and all(
        "-baseline-" not in one for one in made(world, key)
    )


def _told(object_: Object) -> Object:
    metadata = object_["metadata"]
    annotations = {name: one for name, one in metadata.get("annotations", {}).items() if "leptonml.dev/" in name}
    owners = [one["kind"] for one in metadata.get("ownerReferences", ())]
    fields = {name: one for name, one in object_["spec"].items() if name not in ("clusterIP", "clusterIPs")}
    told = {"labels": metadata.get("labels"), "annotations": annotations, "owners": owners}
    return {**told, "spec": fields}


@contextmanager
def gone_by_now() -> Iterator[None]:
    """An object may be; what the API server refuses otherwise is no damage, and proves nothing."""
    try:
        yield
    except ApiError as error:
        assert error.status == 404, error


async def damage(world: World, key: Key, chance: random.Random, edits_of: dict[Kind, dict[str, Object]]) -> str:
    """Delete or edit one object. Returns what was done."""
    kind, name = chance.choice([(kind, name) for kind in edits_of for name in sorted(world.cache.owned(key, kind))])
    edits = [one for one in edits_of[kind] if one != "wanted" or name == key.name]  # only the traffic's Service has it
    what = chance.choice([*edits, *(() if kind in RUNS else ("deleted",))])
    with gone_by_now():
        if what == "deleted":
            known = world.object(kind, key, name)
            await world.client.delete(kind, key.namespace, name)
            world.cache.remove(kind, known)
        else:
            world.cache.note(kind, await world.client.merge(kind, key.namespace, name, edits_of[kind][what]))
    return f"{kind.name} {name}: {what}"


def drift(plane: ControlPlane, operator: Operator, victims: list[Victim], engine: str = "auto") -> None:
    deploy = {"engine": engine}

    async def story(player: Player, victim: Victim) -> None:
        world, key, chance = player.world, victim.key, victim.chance
        await serve(world, key, deploy=deploy)
        await world.until(lambda: is_settled(world, key), key)
        before = made(world, key)
        for _ in range(STRIKES):
            await until_mended(world, key, before, await damage(world, key, chance, EDITS))
        await world.put(key, digits(train={"epochs": 2}, deploy=deploy))
        for _ in range(STRIKES):
            await asyncio.sleep(chance.uniform(0, 0.3))  # the moment is what is drawn
            print(await damage(world, key, chance, DURING_A_BUILD))  # noqa: T201 - what to look at where it fails
        await world.until(serves(world, key, 2), key)
        assert [one.number for one in status(world, key).revisions] == [2, 1]

    live(plane, operator, victims, story)
    require_one_run_each(plane, victims, 2)


async def until_mended(world: World, key: Key, before: dict[str, Object], done: str) -> None:
    with suppress(TimeoutError):
        await world.until(lambda: made(world, key) == before and serves(world, key, 1)(), key)
    now = made(world, key)
    assert now == before, [(done, before.get(name), now.get(name)) for name in before if now.get(name) != before[name]]
    assert serves(world, key, 1)(), done


@pytest.mark.parametrize("engine", ["triton", "rayserve"])
def test_what_somebody_changes_by_hand_is_put_right(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim], engine: str
) -> None:
    drift(control_plane, operator, victims, engine)


def test_what_somebody_changes_by_hand_is_put_right_where_there_are_routes_and_kserve(
    furnished: ControlPlane, furnished_operator: Operator, victims: list[Victim]
) -> None:
    drift(furnished, furnished_operator, victims)

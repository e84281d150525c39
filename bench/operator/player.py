"""Ray and the servers of the benchmark, played: `python -m bench.operator.player KUBECONFIG`, a process of its own.

It plays the kubelet and the controllers of Deployments too, so that the API server's time goes to what is measured:
each Deployment gets one pod, which is ready at once, and takes it along when it goes.
"""

import asyncio
import sys
from pathlib import Path

from lepton.backends.kubernetes.kinds import DEPLOYMENT, POD, Object
from lepton.plan.types import Key
from tests.cluster.player import Player
from tests.cluster.world import RUNNING

_PLAYERS = 8


class ServingPlayer(Player):
    """Lets every job succeed, and makes the pods."""

    async def play_once(self, key: Key) -> None:
        """See Player."""
        deployments, pods = self.world.cache.owned(key, DEPLOYMENT), self.world.cache.owned(key, POD)
        for name, deployment in deployments.items():
            if name not in pods:
                made = await self.world.client.create(POD, _pod(deployment))
                await self.world.client.write_status(POD, {**made, "status": RUNNING})
            if not deployment.get("status", {}).get("readyReplicas"):
                status = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
                written = await self.world.client.write_status(DEPLOYMENT, {**deployment, "status": status})
                self.world.cache.put(DEPLOYMENT, written)
        for name in pods.keys() - deployments.keys():
            await self.world.client.delete(POD, key.namespace, name)
        await super().play_once(key)


def _pod(deployment: Object) -> Object:
    """One pod, named as its Deployment."""
    metadata, template = deployment["metadata"], deployment["spec"]["template"]
    named = {"name": metadata["name"], "namespace": metadata["namespace"], "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": template["spec"]}


async def main() -> None:
    """Play until ended."""
    player = ServingPlayer(Path(sys.argv[1]))
    async with player.world:
        await player.play(_PLAYERS)


if __name__ == "__main__":
    asyncio.run(main())

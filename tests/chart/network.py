"""What NetworkPolicies let through, as the engine of kube-network-policies judges it; here no kernel enforces them.

That enforcer needs nftables' queue, which not every machine has; its judgement needs nothing.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tests.chart.helm import Object
from tests.programs.programs import find


@dataclass(frozen=True)
class Place:
    """A pod; or, without a namespace, something outside of the cluster's pods: a bucket, the API server."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


Flow = tuple[Place, Place, int]
"""From, to, and on which port."""


def let_through(policies: Sequence[Object], flows: Sequence[Flow], protocol: str = "TCP") -> list[Flow]:
    """Those connections that are let out of the one and into the other."""
    questions = [{"from": asdict(a), "to": asdict(b), "port": port, "protocol": protocol} for a, b, port in flows]
    asked = json.dumps({"policies": policies, "questions": questions})
    done = subprocess.run([find("policies")], input=asked, capture_output=True, text=True, check=True)
    return [flow for flow, passes in zip(flows, json.loads(done.stdout), strict=True) if passes]

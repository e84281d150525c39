"""The names, labels and annotations of what Lepton makes on Kubernetes. Pure."""

from typing import Literal

from lepton.hashing import short_hash
from lepton.jobdir import JobOrder
from lepton.plan.preview import UNKNOWN
from lepton.plan.types import Job, Key
from lepton.spec.deploy import Deploy
from lepton.spec.resource import GROUP

MODEL = f"{GROUP}/model"
"""Label: the LeptonModel that an object belongs to."""
JOB_LABEL = f"{GROUP}/job"
"""Label: the job that an object belongs to."""
ENDPOINT = f"{GROUP}/endpoint"
"""Label of a Service: the endpoint that it is."""
TRAFFIC = f"{GROUP}/traffic"
"""Label of a Service and of routes: they are the name that users call."""
BACKEND = f"{GROUP}/backend"
"""Label of a Service: a route leads through it to one workload."""
WORKLOAD = f"{GROUP}/workload"
"""Label of pods: the servers that they are; a Service selects by it."""
RAY = f"{GROUP}/ray"
"""Label of pods: the workload as whose Ray they run, be they servers or its head."""
WANTED = f"{GROUP}/wanted-workload"
"""Annotation of the traffic's Service: the workload that it goes to once that answers."""
QUEUE = "kueue.x-k8s.io/queue-name"
"""Label of a RayJob: the LocalQueue in which it waits. Kueue then owns spec.suspend, and nobody else touches it."""
DIGEST = f"{GROUP}/digest"
"""Annotation: sha256 over the artifact that a server verified before it started."""
SERVERS = f"{GROUP}/servers"
"""Annotation of a server of Ray: how many there are beside it, itself included; KubeRay looks at no other count."""
RENDERED = f"{GROUP}/rendered"
"""Annotation of a run: hash of the spec that it was made with; what has not begun is made anew when that changes."""
KEEP_ARTIFACTS = f"{GROUP}/keep-artifacts"
"""Annotation of a LeptonModel: where it is `true`, a deletion leaves what lies in the artifact store."""
FINALIZER = f"{GROUP}/cleanup"
"""Keeps a deleted LeptonModel until nothing of it is left."""

LONGEST_RAY_JOB = 47
"""KubeRay makes longer names of it."""
_LONGEST_WORKLOAD = 47
"""KubeRay makes longer names of a RayService, and KServe a label of it, `isvc.<name>-predictor`."""

Engine = Literal["triton", "kserve", "rayserve"]
"""What makes the servers: a Deployment of ours, KServe, or KubeRay."""


def run_name(job: Job | JobOrder) -> str:
    """The name of one attempt at a job; short enough for whatever runs it, and still of this job alone."""
    name = f"{job.name}-{job.attempt}"
    if len(name) <= LONGEST_RAY_JOB:
        return name
    end = f"-{job.kind}-{short_hash(job.name)}-{job.attempt}"
    return job.model[: LONGEST_RAY_JOB - len(end)].rstrip("-") + end


def cleanup_name(key: Key, uid: str) -> str:
    """The Job that removes what this very model left in the artifact store; not one of the same name before it."""
    return f"{key.name}-cleanup-{short_hash(uid)}"


def engine_of(deploy: Deploy, has_kserve: bool) -> Engine:
    """What makes the servers, on a cluster that has KServe or has not."""
    if deploy.engine == "auto":
        return "kserve" if has_kserve else "triton"
    return deploy.engine


def removal_name(key: Key, build: str) -> str:
    """The Job that removes what a build left in the artifact store that is remembered no more."""
    return f"{key.name}-removal-{short_hash(build)}"


def workload_name(key: Key, variant: str, digest: str, engine: Engine) -> str:
    """The servers of one variant of one artifact by one engine, whoever is sent to them.

    Where a plan does not know the digest yet, the name tells so.
    """
    made_by = "" if engine == "triton" else f"-{engine}"
    name = f"{key.name}-{variant}-{digest.removeprefix('sha256:')[:8]}{made_by}"
    if len(name) <= _LONGEST_WORKLOAD:
        return name
    hashed = UNKNOWN if UNKNOWN in digest else short_hash([key.name, digest])
    end = f"-{variant}-{hashed}{made_by}"
    return key.name[: _LONGEST_WORKLOAD - len(end)].rstrip("-") + end


def backend_name(workload: str) -> str:
    """The Service through which routes lead to a workload."""
    return f"{workload}-backend"


def deployment_name(workload: str) -> str:
    """The Deployment of a workload: its own, or the one that KServe makes of it."""
    return f"{workload}-predictor" if workload.endswith("-kserve") else workload

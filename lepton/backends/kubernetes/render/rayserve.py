"""The servers of one variant of one artifact as a RayService of KubeRay, with a head that serves nothing. Pure.

Each server is a pod of Ray's, fetched, verified, probed and drained as Triton's are, so that Services, routes and
budgets lead to it as to any other. KubeRay hands the application to Ray once the head is ready; so the head can't be
asked whether the model answers, and is no server. KubeRay leaves other `replicas` to Ray's autoscaler, so their number
is told by an annotation too: then it makes another cluster, which takes the place of the first once it answers.
"""

from lepton.backends.kubernetes.kinds import RAY_SERVICE, Object
from lepton.backends.kubernetes.names import DIGEST, RAY, SERVERS, WORKLOAD
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.render.workload import DRAIN_S, MODELS, pod, replicas, resources, variant_of
from lepton.backends.kubernetes.settings import GRPC_PORT, HTTP_PORT, Settings
from lepton.plan.types import Endpoint, Key, Traffic
from lepton.spec.document import dump

_NODE = ["python", "-m", "services.rayserve.node"]
_APPLICATION = "services.rayserve.app:build"
_SERVICER = "services.rayserve.service.add_to_server"
_COUNTS = "/tmp/counts"  # noqa: S108 - in an emptyDir of the pod's own
_OWN_COMMAND = {"ray.io/overwrite-container-cmd": "true"}
_ONGOING = 1000
"""Requests that one replica may hold, to have enough of them for its batches."""
_HEAD = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
_HEAD_STAYS_S = 2 * DRAIN_S
"""Longer than its servers, which answer for a while after all of them were told to go."""
_START = {"object-store-memory": str(75 * 2**20)}
"""As little as Ray takes: no tensor goes through it."""
_ENV = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",  # fewer threads and logs for each answer
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",  # which that brings, and which opens ports that nobody asks
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "0",  # which that brings too: a port that takes pickles from whoever reaches it
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",  # a quarter of a core starts slowly
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "30",
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "5",  # it was drained before: no Service leads to it any more
}


def ray_service(key: Key, uid: str, name: str, desired: Endpoint | Traffic, settings: Settings) -> Object:
    """The RayService that an endpoint and the traffic share when they are of the same files."""
    spec = {
        "serveConfigV2": dump(_serve_config(key, desired)),
        "rayClusterConfig": {
            "rayVersion": settings.ray_version,
            "authOptions": {"mode": "token"},
            "headGroupSpec": _head(key, name, settings),
            "workerGroupSpecs": [_servers(key, name, desired, settings)],
        },
    }
    return meta.new(RAY_SERVICE, key, uid, name, {WORKLOAD: name}, {DIGEST: desired.digest}, spec=spec)


def _serve_config(key: Key, desired: Endpoint | Traffic) -> Object:
    """What Ray Serve runs: one replica for each instance of each server."""
    arguments = {"name": key.name, "variant": variant_of(desired), "digest": desired.digest, "folder": MODELS}
    counting = {"runtime_env": {"env_vars": {"PROMETHEUS_MULTIPROC_DIR": _COUNTS}}}
    model = {
        "name": "Model",
        "num_replicas": replicas(desired) * desired.instances,
        "max_replicas_per_node": desired.instances,
        "max_ongoing_requests": _ONGOING,
        "ray_actor_options": {"num_cpus": 1, **counting},
    }
    return {
        "proxy_location": "EveryNode",
        "http_options": {"host": "0.0.0.0", "port": HTTP_PORT},  # noqa: S104 - a pod is asked from outside of it
        "grpc_options": {"port": GRPC_PORT, "grpc_servicer_functions": [_SERVICER]},
        "logging_config": {"enable_access_log": False},
        "applications": [
            {
                "name": "model",
                "route_prefix": "/",
                "import_path": _APPLICATION,
                "args": arguments,
                "deployments": [model],
            }
        ],
    }


def _head(key: Key, name: str, settings: Settings) -> Object:
    container = {
        "name": "head",
        "image": settings.worker_image,
        "securityContext": meta.CONTAINER,
        "resources": _HEAD,
        "env": _env(),
        "lifecycle": {"preStop": {"sleep": {"seconds": _HEAD_STAYS_S}}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - an emptyDir of the pod's own
    }
    spec = {
        "automountServiceAccountToken": False,
        **meta.of_pods(settings),
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {
        "rayStartParams": {**_START, "dashboard-host": "0.0.0.0", "num-cpus": "0", "no-monitor": "true"},  # noqa: S104 - KubeRay asks the pod's address
        "template": {"metadata": {"labels": meta.labelled(key, {RAY: name})}, "spec": spec},
    }


def _servers(key: Key, name: str, desired: Endpoint | Traffic, settings: Settings) -> Object:
    count = replicas(desired)
    server = {
        "name": "ray",
        "image": settings.worker_image,
        "command": [*_NODE, key.name, variant_of(desired), desired.digest, _COUNTS],
        "env": _env(),
        "resources": resources(desired.deploy.resources, promised="1Gi", most="4Gi"),
    }
    labels = meta.labelled(key, {RAY: name, WORKLOAD: name})
    annotations = {DIGEST: desired.digest, SERVERS: str(count), **_OWN_COMMAND}
    return {
        "groupName": "servers",
        "replicas": count,
        "minReplicas": count,
        "maxReplicas": count,
        "rayStartParams": {**_START, "num-cpus": str(desired.instances)},
        "template": {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": pod(name, desired, settings, server),
        },
    }


def _env() -> list[Object]:
    return [{"name": name, "value": value} for name, value in _ENV.items()]

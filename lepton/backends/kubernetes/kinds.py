"""The kinds of objects that Lepton reads and writes on Kubernetes, and where the API server keeps them."""

from typing import Any, NamedTuple

from lepton.spec import resource

Object = dict[str, Any]
"""One object as the API server gives it, in JSON."""


class Kind(NamedTuple):
    """One kind of one version of one API group."""

    api_version: str
    name: str
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Where its objects are: all, those of a namespace, or one."""
        root = "/apis" if "/" in self.api_version else "/api"
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}/{self.api_version}{within}/{self.plural}{f'/{name}' if name else ''}"


LEPTON_MODEL = Kind(resource.API_VERSION, resource.KIND, resource.PLURAL)
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
POD = Kind("v1", "Pod", "pods")
SERVICE = Kind("v1", "Service", "services")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
DISRUPTION_BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
GRPC_ROUTE = Kind("gateway.networking.k8s.io/v1", "GRPCRoute", "grpcroutes")
HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
INFERENCE_SERVICE = Kind("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices")
JOB = Kind("batch/v1", "Job", "jobs")
RAY_JOB = Kind("ray.io/v1", "RayJob", "rayjobs")
RAY_SERVICE = Kind("ray.io/v1", "RayService", "rayservices")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")

OF_A_MODEL = (
    CONFIG_MAP,
    SERVICE,
    HTTP_ROUTE,
    GRPC_ROUTE,
    DEPLOYMENT,
    INFERENCE_SERVICE,
    RAY_SERVICE,
    DISRUPTION_BUDGET,
    JOB,
    RAY_JOB,
    POD,
)
"""What is watched because a model may own it; the rest goes with these by their owner references."""

"""The servers of one variant of one artifact as a KServe InferenceService in Standard mode. Pure.

The pods are those of a Deployment of ours: a custom predictor, because with a model or a storageUri KServe puts
containers of its own beside or before ours, and none of them verifies a digest. KServe makes the Deployment; its routes
have no weights and its autoscaler no settings, so neither is asked for.
"""

from lepton.backends.kubernetes.kinds import INFERENCE_SERVICE, Object
from lepton.backends.kubernetes.names import DIGEST, WORKLOAD
from lepton.backends.kubernetes.render import meta
from lepton.backends.kubernetes.render.workload import STRATEGY, pod, replicas, triton
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Endpoint, Key, Traffic

CONTAINER = "kserve-container"
"""KServe finds the server by this name."""
_LABELS = {"networking.kserve.io/visibility": "cluster-local"}
_ANNOTATIONS = {"serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "none"}


def inference_service(key: Key, uid: str, name: str, desired: Endpoint | Traffic, settings: Settings) -> Object:
    """The InferenceService; labels and annotations of its metadata reach its Deployment and its pods."""
    count = replicas(desired)
    predictor = {
        "minReplicas": count,
        "maxReplicas": count,
        "deploymentStrategy": STRATEGY,
        **pod(name, desired, settings, triton(key, CONTAINER, desired, settings)),
    }
    labels, annotations = {**_LABELS, WORKLOAD: name}, {**_ANNOTATIONS, DIGEST: desired.digest}
    return meta.new(INFERENCE_SERVICE, key, uid, name, labels, annotations, spec={"predictor": predictor})

"""What KServe makes of an InferenceService, for a cluster in which it does not run."""

from lepton.backends.kubernetes.kinds import DEPLOYMENT, Object


def predictor_of(service: Object) -> Object:
    """The Deployment that KServe 0.20 makes of an InferenceService in Standard mode with a custom predictor."""
    metadata, predictor = service["metadata"], dict(service["spec"]["predictor"])
    name = f"{metadata['name']}-predictor"
    replicas = predictor.pop("minReplicas")
    strategy = predictor.pop("deploymentStrategy")
    del predictor["maxReplicas"]
    selector = {"app": f"isvc.{name}"}
    labels = {**metadata["labels"], **selector, "serving.kserve.io/inferenceservice": metadata["name"]}
    made = {"labels": labels, "annotations": metadata.get("annotations", {})}
    owner = {name: service[name] for name in ("apiVersion", "kind")} | {
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
    return {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.name,
        "metadata": {"name": name, "namespace": metadata["namespace"], **made, "ownerReferences": [owner]},
        "spec": {
            "replicas": replicas,
            "strategy": strategy,
            "selector": {"matchLabels": selector},
            "template": {"metadata": made, "spec": predictor},
        },
    }

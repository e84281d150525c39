"""What KubeRay makes of a RayService, as the tests play it."""

from lepton.backends.kubernetes.kinds import POD, Object


def cluster_of(service: Object) -> str:
    """The cluster of Ray that KubeRay 1.6 makes of a RayService; with a name drawn at random, which this is not."""
    return f"{service['metadata']['name']}-first"


def pods_of(service: Object) -> list[Object]:
    """The pods of that cluster: a head, and the servers."""
    config = service["spec"]["rayClusterConfig"]
    wanted = {"head": config["headGroupSpec"]["template"]}
    for group in config["workerGroupSpecs"]:
        wanted |= {f"server-{place}": group["template"] for place in range(group["replicas"])}
    owner = {name: service[name] for name in ("apiVersion", "kind")} | {
        "name": service["metadata"]["name"],
        "uid": service["metadata"]["uid"],
    }
    return [
        {
            "apiVersion": POD.api_version,
            "kind": POD.name,
            "metadata": {
                "name": f"{cluster_of(service)}-{name}",
                "namespace": service["metadata"]["namespace"],
                "labels": {**template["metadata"]["labels"], "ray.io/cluster": cluster_of(service)},
                "ownerReferences": [owner],
            },
            "spec": template["spec"],
        }
        for name, template in wanted.items()
    ]

"""The Ray Serve application that serves one verified artifact; KubeRay submits it with a RayService's serveConfigV2.

`services.rayserve.app:build`, with Arguments. It never fetches anything: the pod's init container did, and the model
verifies its files once more as it loads.
"""

from ray import serve

from services.rayserve.replica import Arguments, Model


def build(arguments: Arguments) -> serve.Application:
    """What serveConfigV2 names."""
    deployment: serve.Deployment = serve.deployment()(Model)
    return deployment.bind(arguments)

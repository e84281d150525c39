"""How the model is served."""

from typing import Annotated, Literal, Self

from pydantic import Field

from lepton.spec.fields import Quantity, Section


class Batching(Section):
    """Dynamic batching: requests that arrive together are answered together."""

    max_size: Annotated[int, Field(ge=1, le=1024)] = 32
    """Most requests in one batch; 1 switches batching off."""
    max_delay_ms: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Milliseconds that a request may wait for company."""


class DeployResources(Section):
    """What one server may use on a cluster: it is promised that much, and gets no more."""

    cpu: Annotated[float, Field(ge=0.001)] | None = None
    """CPU cores for each server; by default a quarter of a core is promised, and more taken while the node has it."""
    memory: Quantity | None = None
    """Memory for each server, such as 1Gi; by default 512Mi are promised and 2Gi are the most."""


class Deploy(Section):
    """How the model is served."""

    engine: Literal["auto", "triton", "kserve", "rayserve"] = "auto"
    """What looks after the servers on a cluster: `kserve` an InferenceService and `triton` a plain Deployment, of
    Triton each; `rayserve` a RayService of KubeRay, where Ray Serve answers instead; `auto` KServe where it is
    installed, else a Deployment. A change of it builds nothing and loses no request. One machine has Triton alone,
    whatever this says."""
    instances: Annotated[int, Field(ge=1, le=64)] = 1
    """Copies of the model in one server; more answer more requests at once."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Servers that share the requests on a cluster, spread over its nodes; one machine has one server, whatever this
    says. A change of it builds nothing and proves nothing anew."""
    resources: DeployResources = DeployResources()
    """What one server may use on a cluster; one machine sets no bounds. A change of it starts the servers anew, one
    after the other, and proves nothing anew."""
    top_k: Annotated[int, Field(ge=1, le=100)] = 3
    """How many of the likeliest classes an answer lists."""
    batching: Batching = Batching()
    """Dynamic batching."""

    def as_built(self) -> Self:
        """What of this goes into an artifact; the rest is where and how often the artifact is served."""
        return self.model_copy(update={"engine": "auto", "replicas": 1, "resources": DeployResources()})

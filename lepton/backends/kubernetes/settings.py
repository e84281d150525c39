"""What the operator of one cluster knows that no LeptonModel says: images, storage, credentials, the Gateway."""

from string import Formatter
from typing import Annotated

from pydantic import Field, field_validator

from lepton.plan.types import Key
from lepton.spec.fields import Section
from lepton.spec.status import EndpointAddress

HTTP_PORT, GRPC_PORT, STATE_PORT = 8000, 8001, 8003
"""Where servers listen, and the Services that lead to them."""


class Gateway(Section):
    """The Gateway through which users reach all models."""

    name: str
    """Its name."""
    namespace: str
    """Its namespace; its listener must allow routes from those of the models."""
    hostname: str
    """Of a model over HTTP, such as `{model}.{namespace}.models.example.com`; over gRPC `grpc.` comes before it."""
    port: Annotated[int, Field(ge=1, le=65535)] = 80
    """Of its listener, as users reach it."""

    @field_validator("hostname")
    @classmethod
    def _tells_models_apart(cls, hostname: str) -> str:
        if {field for _, field, _, _ in Formatter().parse(hostname) if field is not None} != {"model", "namespace"}:
            raise ValueError("must hold {model} and {namespace}, such as {model}.{namespace}.models.example.com")
        return hostname

    def http_host(self, key: Key) -> str:
        """The hostname of a model over HTTP."""
        return self.hostname.format(model=key.name, namespace=key.namespace)

    def grpc_host(self, key: Key) -> str:
        """The hostname of a model over gRPC."""
        return f"grpc.{self.http_host(key)}"

    def address(self, key: Key) -> EndpointAddress:
        """Where users reach a model."""
        http = self.http_host(key) if self.port == 80 else f"{self.http_host(key)}:{self.port}"
        return EndpointAddress(http=f"http://{http}", grpc=f"{self.grpc_host(key)}:{self.port}", model=key.name)


class Settings(Section):
    """Written by the chart."""

    worker_image: str
    """Runs builds and gates; holds torch and Ray."""
    server_image: str
    """Runs Triton and the fetcher."""
    pull_secrets: list[str] = []
    """Names of Secrets, in the namespace of each model, with which both are pulled."""
    artifacts: str
    """URL of the folder that artifacts go to; `file:///lepton/artifacts` is on the claim."""
    claim: str = "lepton"
    """PersistentVolumeClaim of checkpoints, mounted by every job at /lepton."""
    secret: str = ""
    """Secret whose entries become the environment of jobs and of what fetches artifacts; none where empty."""
    ray_version: str = "2.60.0"
    """Of the worker's image."""
    gateway: Gateway | None = None
    """The Gateway that leads users to the models; without one they are reached within the cluster alone."""

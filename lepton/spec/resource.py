"""LeptonModel v1alpha1, the one resource that a user writes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lepton.spec.compress import Compress
from lepton.spec.data import Data
from lepton.spec.deploy import Deploy
from lepton.spec.fields import Section
from lepton.spec.gate import Gate
from lepton.spec.model import Model
from lepton.spec.status import Status
from lepton.spec.train import Train

GROUP = "leptonml.dev"
VERSION = "v1alpha1"
KIND = "LeptonModel"
PLURAL = "leptonmodels"
SHORT_NAME = "lm"
RETRIED_AT = f"{GROUP}/retried-at"
"""Annotation: when a person last asked for another try of what had failed (RFC 3339, UTC)."""
API_VERSION = f"{GROUP}/{VERSION}"

Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40, examples=["pets"])]


class Metadata(Section):
    """Who the resource is. `uid`, `generation` and `resourceVersion` are given by the store."""

    name: Name
    """Lower-case letters, digits and hyphens; at most 40, so that the names made from it fit everywhere."""
    namespace: Name = "default"
    """Namespace; on a laptop there is only `default`."""
    labels: dict[str, str] = {}
    """Labels of the user's own."""
    annotations: dict[str, str] = {}
    """Annotations of the user's own."""
    uid: str = ""
    """Unique over all time."""
    generation: int = 0
    """Counts the changes of the spec."""
    resource_version: int = 0
    """Counts every write; a write with a stale one is refused."""
    deletion_timestamp: str | None = None
    """Set when the resource is being deleted."""


class Spec(Section):
    """What a user wants."""

    task: Literal["image-classification"]
    """What the model does."""
    data: Data
    """The examples."""
    model: Model = Model()
    """The network before compression."""
    train: Train = Train()
    """How it learns."""
    compress: Compress = Compress()
    """How it becomes small."""
    gate: Gate = Gate()
    """The budgets it must meet before it serves."""
    deploy: Deploy = Deploy()
    """How it is served."""
    revision: Annotated[int, Field(ge=1)] | None = None
    """Serve this earlier revision: rollback by one field."""
    suspend: bool = False
    """Start nothing new; what serves goes on."""

    @model_validator(mode="after")
    def _students_can_be_built(self) -> Self:
        for position, step in enumerate(self.compress.steps):
            student = step.distill and step.distill.student
            if not student:
                continue
            field = f"compress.steps[{position}].distill.student"
            if student.architecture is None and self.model.module is not None:
                raise ValueError(f"{field} must name an architecture, because model.module is a function of your own")
            architecture = student.architecture or self.model.resolved_architecture
            if student.depth is not None and architecture != "resnet":
                raise ValueError(f"{field}.depth is only for resnet, not for {architecture}")
        return self


class LeptonModel(Section):
    """A model from its data to its live endpoint."""

    api_version: Literal["leptonml.dev/v1alpha1"]
    """`leptonml.dev/v1alpha1`."""
    kind: Literal["LeptonModel"]
    """`LeptonModel`."""
    metadata: Metadata
    """Who the resource is."""
    spec: Spec
    """What a user wants."""
    status: Status = Status()
    """What Lepton reports. Ignored in a file that a user applies."""

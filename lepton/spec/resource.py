"""LeptonModel v1alpha1, the one resource that a user writes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lepton.spec.compress import Compress, Student
from lepton.spec.data import Data
from lepton.spec.deploy import Deploy
from lepton.spec.fields import Section
from lepton.spec.gate import Gate
from lepton.spec.model import Model
from lepton.spec.rules import Rule
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

Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63, examples=["default"])]


class Metadata(Section):
    """Who the resource is. `uid`, `generation` and `resourceVersion` are given by the store."""

    name: Name
    """Lower-case letters, digits and hyphens; at most 40, so that the names made from it fit everywhere."""
    namespace: Namespace = "default"
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


def _students(spec: "Spec") -> list[Student]:
    return [step.distill.student for step in spec.compress.steps if step.distill and step.distill.student]


def _is_resnet(student: Student, teacher: Model) -> bool:
    return (student.architecture or teacher.resolved_architecture) == "resnet"


def _each_student(condition: str) -> str:
    """In CEL: what holds of each step of the recipe that has a student."""
    given = "!has(step.distill) || !has(step.distill.student)"
    return (
        f"(!has(self.compress) || !has(self.compress.steps) || self.compress.steps.all(step, {given} || {condition}))"
    )


class Spec(Section):
    """What a user wants."""

    rules: ClassVar = (
        Rule(
            "each student in compress.steps must name an architecture, because model.module is a function of your own",
            lambda it: it.model.module is None or all(one.architecture for one in _students(it)),
            f"!has(self.model) || !has(self.model.module) || {_each_student('has(step.distill.student.architecture)')}",
        ),
        Rule(
            "depth of a student in compress.steps is only for resnet",
            lambda it: all(one.depth is None or _is_resnet(one, it.model) for one in _students(it)),
            _each_student(
                "!has(step.distill.student.depth) || (has(step.distill.student.architecture)"
                " ? step.distill.student.architecture == 'resnet'"
                " : !has(self.model) || !has(self.model.architecture) || self.model.architecture == 'resnet')"
            ),
        ),
    )
    task: Literal["image-classification"]
    """What the model does: image-classification names the class of an image."""
    data: Data
    """The examples that it learns from and is judged by: where they lie, how they are split and prepared."""
    model: Model = Model()
    """The network before compression: one of Lepton's architectures, or a function of your own."""
    train: Train = Train()
    """How it learns, for how long, and on a cluster where and with what. What is left out is made to suit the data."""
    compress: Compress = Compress()
    """How the trained model becomes small: distillation, pruning and quantization, as steps in the order given.
    Each is measured, and one that makes the model neither smaller nor faster is dropped. By default half of the
    channels go, then 8-bit integers take the place of floating point; `steps: []` serves the model as trained.
    """
    gate: Gate = Gate()
    """The budgets that a candidate must meet on the very endpoint that will serve it, before its first request.
    One that misses any of them is not served, and what serves goes on.
    """
    deploy: Deploy = Deploy()
    """How it is served: by which engine, by how many servers, with what each may use and how requests are batched."""
    revision: Annotated[int, Field(ge=1)] | None = None
    """Serve this earlier revision: rollback by one field."""
    suspend: bool = False
    """Start nothing new; a build that runs and what serves go on."""


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

"""Where models live, as every verb sees it: this machine, or a cluster. No verb asks which of the two it is.

`machine.Machine` and `cluster.place.Cluster` are the two; `where.open_place` chooses.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import JsonValue, TypeAdapter, ValidationError

from lepton.cli.console import note
from lepton.cli.errors import CommandError
from lepton.plan.preview import Preview
from lepton.plan.types import Desired, Observed
from lepton.spec import status
from lepton.spec.resource import LeptonModel, Name

if TYPE_CHECKING:  # brings numpy, which `lepton doctor` must be able to miss
    from lepton.endpoint import Tensor


@dataclass(frozen=True)
class Finding:
    """What one check of `lepton doctor` found."""

    name: str
    level: Literal["ok", "warning", "missing"]
    found: str
    mend: str = ""
    """What to do; empty when all is well."""


class Asker(Protocol):
    """One connection to one served model; see lepton.endpoint.Connection for what it raises."""

    def ask(self, tensors: Mapping[str, "Tensor"], outputs: Sequence[str]) -> Any:
        """One request; the answer's `as_numpy(output)` gives its tensors."""

    def metadata(self) -> Any:
        """Names, types and shapes of the model's inputs and outputs."""


class Place(Protocol):
    """Everything that the verbs read and write. Every method raises CommandError or LeptonError."""

    namespace: str
    """Whose models are meant."""
    elsewhere: str
    """How to reach another namespace, to end a sentence with."""
    start_hint: str
    """Who is to answer, and how to bring that up, in a sentence."""

    def models(self) -> list[LeptonModel]:
        """All models, by name."""

    def get(self, name: str) -> LeptonModel | None:
        """One model; None when there is none."""

    def adapted(self, model: LeptonModel) -> LeptonModel:
        """The model of a file as this place takes it."""

    def doubts(self, model: LeptonModel) -> list[str]:
        """What may go wrong with it here, though it is valid. Raises where it would be refused; writes nothing."""

    def apply(self, model: LeptonModel) -> LeptonModel:
        """Create it, or give it this spec, these labels and annotations; what it is then."""

    def change(self, name: str, fields: Mapping[str, JsonValue]) -> None:
        """Give some fields of the spec other values; None removes a field."""

    def retry(self, name: str) -> None:
        """Ask for another try of what failed."""

    def delete(self, name: str) -> None:
        """Ask for its deletion."""

    def remnants(self, model: LeptonModel) -> list[str]:
        """What is still there of a model that is being deleted, in words."""

    def refusal(self, model: LeptonModel) -> str | None:
        """What refused when Lepton last tried to delete it; None when nothing did."""

    def pause(self) -> None:
        """Return as soon as something may have changed."""

    def idle(self) -> str | None:
        """Why nothing changes here, and what to do; None while Lepton works."""

    def output(self, model: LeptonModel, record: status.RevisionRecord) -> Iterator[str]:
        """What the jobs of a revision printed since this was last asked; nothing, where they have not begun."""

    def unreadable(self, url: str) -> str | None:
        """Why an artifact can't be read from here; None where it can."""

    def connect(self, model: LeptonModel, protocol: status.Protocol) -> AbstractContextManager[Asker]:
        """A connection to what serves; the model has an endpoint."""

    def observe(self, model: LeptonModel) -> Observed:
        """All that a decision about the model may depend on. Writes nothing."""

    def objects(self, desired: Desired) -> list[str]:
        """What a thing that a plan desires is made of here, in words."""

    def vanishing(self, model: LeptonModel, found: Preview) -> list[str]:
        """What there is of a model now and would not be after what was found out about a spec, in words."""

    def findings(self) -> list[Finding]:
        """What is there and what is missing, for `lepton doctor`."""

    def close(self) -> None:
        """Let go of whatever is open."""


def require(place: Place, name: str) -> LeptonModel:
    """The model of this name. Raises CommandError naming those that there are."""
    model = place.get(name) if _is_name(name) else None
    if model is None:
        known = ", ".join(model.metadata.name for model in place.models())
        hint = f"there is: {known}" if known else "none has been applied yet: `lepton apply -f FILE`"
        raise CommandError(f"there is no model named {name!r}; {hint}")
    return model


def _is_name(name: str) -> bool:
    """Whether a model can be called so; on a cluster another name, such as one with a slash, leads elsewhere."""
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        return False
    return True


def warn_when_idle(place: Place) -> None:
    """Say on stderr that nothing moves."""
    why = place.idle()
    if why is not None:
        note(why)


def require_working(place: Place) -> None:
    """Raise CommandError while nothing moves."""
    why = place.idle()
    if why is not None:
        raise CommandError(why)

"""The building blocks that every section of the spec shares: a strict base model, quantities, names, points in time."""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from lepton.spec.rules import KEYWORD, Rule

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_QUANTITY = r"^([0-9]{1,15}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|k|M|G|T|)$"


class Section(BaseModel):
    """A part of the spec: camelCase outside, snake_case inside, unknown fields refused, never mutated."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )
    rules: ClassVar[tuple[Rule, ...]] = ()
    """What must hold between the fields."""

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the rules in the schema."""
        found = handler.resolve_ref_schema(handler(schema))
        if cls.rules:
            found[KEYWORD] = [rule.for_kubernetes() for rule in cls.rules]
        return found


def quantity_bytes(quantity: str) -> int:
    """The number of bytes in a Kubernetes quantity such as `512Mi` or `8G`; ValueError when it is not one."""
    match = re.fullmatch(_QUANTITY, quantity)
    if match is None:
        raise ValueError("must be a quantity of bytes such as 512Mi or 8Gi")
    number, unit = match.groups()
    return int(float(number) * {**_BINARY, **_DECIMAL}[unit])


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339, UTC, to the second."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


_LABEL_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_NAME = rf"^([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_LABEL_WORD}$"
"""The name of a label, of a taint or of the like."""

LabelValue = Annotated[str, Field(pattern=rf"^({_LABEL_WORD})?$")]
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
"""Of an object on Kubernetes."""
Quantity = Annotated[str, Field(pattern=_QUANTITY, examples=["8Gi"])]
Points = Annotated[float, Field(ge=0, le=100)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]

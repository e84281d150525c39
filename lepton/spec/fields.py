"""The building blocks that every section of the spec shares: a strict base model, quantities and points in time."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

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


Quantity = Annotated[str, Field(pattern=_QUANTITY, examples=["8Gi"])]
Points = Annotated[float, Field(ge=0, le=100)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]

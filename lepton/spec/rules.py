"""What must hold of a value beyond its type, said once: the condition here, the same for Kubernetes, one sentence.

Used by the types of the spec. `lepton validate` checks `holds`; the API server checks `cel`, which the generated CRD
carries with the very sentence. tests/bad_specs.py holds both to the same examples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

KEYWORD = "x-kubernetes-validations"
"""Where a schema for Kubernetes holds its rules."""


@dataclass(frozen=True)
class Rule:
    """One rule, of a section (see Section.rules) or of a single value (in Annotated)."""

    sentence: str
    """What is asked, for a person."""
    holds: Callable[[Any], bool]
    """Whether a value, read already, keeps the rule."""
    cel: str
    """The same in the Common Expression Language, of `self` as the user wrote it: defaults are not filled in."""

    def check(self, value: Any) -> Any:
        """The value itself. Raises ValueError with the sentence."""
        if not self.holds(value):
            raise ValueError(self.sentence)
        return value

    def for_kubernetes(self) -> dict[str, str]:
        """The rule as a schema for Kubernetes holds it."""
        return {"rule": self.cel, "message": self.sentence}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the value after its type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the rule in the schema."""
        found = handler(schema)
        return {**found, KEYWORD: [*found.get(KEYWORD, ()), self.for_kubernetes()]}

"""The reference of LeptonModel as Markdown, made from the types: one table per section. Called by `make generate`."""

import json
import re
from collections.abc import Iterator

from lepton.spec.allowed import allowed
from lepton.spec.rules import KEYWORD
from lepton.spec.schema import Schema, plain_schema, user_schema

_HEAD = """\
# LeptonModel v1alpha1

Made from the types in `lepton/spec` by `make generate`: do not edit. Every field is named as it stands in the YAML.
A field without a default must be given; a default of `-` means that leaving it out has the meaning told. Unknown
fields are errors. `lepton validate -f FILE` checks a file, and `leptonmodel.schema.json` beside this page makes an
editor do it while you type.

"""


def reference() -> str:
    """The whole page."""
    schema = user_schema()
    sections = [("the file", schema), ("metadata", schema["properties"]["metadata"])]
    sections += _sections("spec", schema["properties"]["spec"])
    sections += _sections("status", plain_schema()["properties"]["status"])
    return _HEAD + "\n".join(_table(path, section) for path, section in sections)


def _sections(path: str, section: Schema) -> Iterator[tuple[str, Schema]]:
    """A section and every section below it, in the order of the fields."""
    yield path, section
    for name, field in section["properties"].items():
        item, mark = (field["items"], "[]") if "items" in field else (field, "")
        if "properties" in item:
            yield from _sections(f"{path}.{name}{mark}", item)


def _table(path: str, section: Schema) -> str:
    title = path if path == "the file" else f"`{path}`"
    required = section.get("required", ())
    rows = [
        f"| `{name}` | {_cell(_type(field))} | {_default(field, name in required)} | {_cell(field['description'])} |"
        for name, field in section["properties"].items()
    ]
    head = [f"## {title}", "", section["description"], ""]
    return "\n".join(
        [*head, "| field | allowed | default | meaning |", "| --- | --- | --- | --- |", *rows, *_rules(section), ""]
    )


def _rules(section: Schema) -> list[str]:
    """What must hold besides, of single fields and between them."""
    values = [(name, field) for name, field in section["properties"].items() if "properties" not in field]
    of_fields = [(f"`{name}`: ", field) for name, field in values]
    told = [f"* {of}{rule['message']}" for of, node in [*of_fields, ("", section)] for rule in node.get(KEYWORD, ())]
    return ["", "Besides:", "", *told] if told else []


def _type(field: Schema) -> str:
    if "properties" in field:
        return "a section"
    if "properties" in field.get("items", ()):
        return "a list of sections"
    return allowed(field)


def _default(field: Schema, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    if default is None or "properties" in field or "properties" in field.get("items", ()):
        return "-"
    return f"`{json.dumps(default)}`"


def _cell(text: str) -> str:
    """Text that Markdown shows as it is: patterns become code, and no bar ends the cell."""
    return re.sub(r"matches (\S+?)(, such as .*)?$", r"matches `\1`\2", text).replace("|", "\\|")

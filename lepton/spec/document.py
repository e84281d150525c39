"""YAML text as plain values, each with its line, and back: bounded, without surprises.

Keys are text and stand once; a date is text; 1e-3 is a number, as in JSON and in Kubernetes. Of text that is no
YAML, or too much of it, it says so in a Problem and never raises.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lepton.spec.problems import Path, Problem, dotted, shortened

MAX_BYTES = 256 * 1024
"""Longest text that is read; a LeptonModel needs a hundredth of it."""
MAX_VALUES = 20_000
"""Most values in one text, aliases counted each time they are used."""
MAX_DEPTH = 40
"""Deepest nesting."""

_TAG = "tag:yaml.org,2002:"
_CONSTRUCT = {
    f"{_TAG}null": SafeConstructor.construct_yaml_null,
    f"{_TAG}bool": SafeConstructor.construct_yaml_bool,
    f"{_TAG}int": SafeConstructor.construct_yaml_int,
    f"{_TAG}float": SafeConstructor.construct_yaml_float,
}
_AS_WRITTEN = {f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value"}


@dataclass
class Document:
    """One YAML document."""

    value: JsonValue
    """Its content; None where it is empty."""
    lines: dict[Path, int]
    """The line of each value, counted from 1."""
    problems: list[Problem] = field(default_factory=list)
    """What could not be read."""


class _Refused(yaml.YAMLError):
    """The text is more than a person writes."""


class _Loader(yaml.SafeLoader):
    """Composes nodes, and stops when there are too many or they lie too deep."""

    values = 0
    depth = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        self.values += 1
        self.depth += 1
        if self.values > MAX_VALUES:
            raise _Refused(f"more than {MAX_VALUES} values")
        if self.depth > MAX_DEPTH:
            raise _Refused(f"nested more than {MAX_DEPTH} deep")
        node: Node | None = super().compose_node(parent, index)  # type: ignore[arg-type]  # its stub forbids the None that it passes for the root
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes what `_Loader` would take for a number, and escapes what it would take for the end of a line."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_str(self, data: str) -> ScalarNode:
        style = '"' if _LINE_ENDS.intersection(data) else None
        return self.represent_scalar(f"{_TAG}str", data, style)


_LINE_ENDS = frozenset("\x85\u2028\u2029")
_Dumper.add_representer(str, _Dumper.represent_str)


_SCIENTIFIC = re.compile(r"^[-+]?(\d+|\d+\.\d*|\.\d+)[eE][-+]?\d+$")
for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(f"{_TAG}float", _SCIENTIFIC, list("-+.0123456789"))


def dump(value: JsonValue) -> str:
    """YAML that reads back as the same value, here and in Kubernetes, fields in the order given."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def documents(content: bytes | str) -> tuple[list[Document], list[Problem]]:
    """The documents of a text, and what keeps it from being read as YAML at all."""
    if len(content) > MAX_BYTES:
        return [], [Problem("", f"given more than {MAX_BYTES // 1024} KiB", "a file that a person writes")]
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [], [Problem("", f"given the byte 0x{error.object[error.start]:02x}", "text in UTF-8", line=line)]
    found: list[Document] = []
    try:
        found.extend(_Reader().read(node) for node in yaml.compose_all(text, Loader=_Loader) if node is not None)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        return found, [_not_yaml(error)]
    return found, []


def _not_yaml(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = shortened(getattr(error, "problem", None) or str(error) or type(error).__name__, 200)
    if "'\\t'" in what:
        return Problem("", "given a tab at the start of a line", "spaces", line=mark.line + 1 if mark else None)
    return Problem("", f"not YAML: {what}", line=mark.line + 1 if mark else None)


class _Reader:
    """Turns the nodes of one document into plain values."""

    def __init__(self) -> None:
        self.document = Document(None, {})
        self.values = 0

    def read(self, node: Node) -> Document:
        self.document.value = self._value(node, ())
        return self.document

    def _value(self, node: Node, path: Path) -> JsonValue:
        self.values += 1
        if self.values > MAX_VALUES or len(path) > MAX_DEPTH:
            raise _Refused(f"its aliases unfold to more than {MAX_VALUES} values or {MAX_DEPTH} levels")
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return {key: self._value(value, (*path, key)) for key, value in self._pairs(node, path)}
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self._value(item, (*path, position)) for position, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self._refuse(path, f"given the tag {shortened(node.tag, 80)}", "plain YAML without tags", node)
        return None

    def _pairs(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Node]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode) or key.tag not in _AS_WRITTEN:
                given = key.value if isinstance(key, ScalarNode) else "a list or a section"
                self._refuse(
                    path, f"given {shortened(given, 80)} as the name of a field", "text: put it in quotes", key
                )
            elif key.value in seen:
                wrong = f"given twice, on line {seen[key.value]} too"
                self._refuse((*path, key.value), wrong, "each field once", key)
            else:
                seen[key.value] = line
                self.document.lines[(*path, key.value)] = line
                yield key.value, value

    def _scalar(self, node: ScalarNode, path: Path) -> JsonValue:
        """The value of a scalar; None, with a problem noted, where it has none that JSON could hold."""
        if node.tag in _AS_WRITTEN:
            if _is_unicode(node.value):
                return str(node.value)
            self._refuse(path, "given half of a Unicode character", "text", node)
        elif node.tag not in _CONSTRUCT:
            self._refuse(path, f"given the tag {shortened(node.tag, 80)}", "plain YAML without tags", node)
        else:
            value = _constructed(node)
            if not isinstance(value, int | float) or abs(value) < 2**63:
                return value
            kind = "true or false" if node.tag.endswith("bool") else "a number below 2^63"
            self._refuse(path, f"given {shortened(node.value, 80)}", kind, node)
        return None

    def _refuse(self, path: Path, wrong: str, allowed: str, node: Node) -> None:
        self.document.problems.append(Problem(dotted(path), wrong, allowed, line=node.start_mark.line + 1))


def _constructed(node: ScalarNode) -> JsonValue:
    """What a null, a truth value or a number means; not a number where its tag promises too much."""
    try:
        value: JsonValue = _CONSTRUCT[node.tag](SafeConstructor(), node) if len(node.value) < 1000 else math.nan
    except (ValueError, KeyError, IndexError, OverflowError):
        return math.nan
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

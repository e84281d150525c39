"""What is wrong with a user's file: each Problem names the field, what was given, what is allowed, and the line.

Made by `lepton.spec.load` from the errors of YAML and of the types; printed by the command. It never raises.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from lepton.spec.allowed import allowed
from lepton.spec.schema import Schema, user_schema

Path = tuple[str | int, ...]
"""Where a value stands in its document: names of fields and positions in lists."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a file. `str(problem)` is the whole sentence."""

    field: str
    """Path such as spec.train.optimizer.learningRate; empty where the document as a whole is meant."""
    wrong: str
    """What is wrong: `given 0`, `missing`, `no such field`, or a sentence of its own."""
    allowed: str = ""
    """What would be right."""
    nearest: str = ""
    """The field or the word that was probably meant."""
    line: int | None = None
    """Line in the file, counted from 1."""

    def __str__(self) -> str:
        """The sentence for a person."""
        place = f"line {self.line}: " if self.line else ""
        field = f"{self.field}: " if self.field else ""
        rule = f"; allowed: {self.allowed}" if self.allowed else ""
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{place}{field}{self.wrong}{rule}{hint}"


def problem_of(error: ErrorDetails, lines: Mapping[Path, int]) -> Problem:
    """The problem that an error of the types is, with its line."""
    path = error["loc"]
    kind, line = error["type"], _line(path, lines)
    if kind == "extra_forbidden":
        return unknown_field(path, line)
    if kind == "value_error":
        given = "" if isinstance(error["input"], dict | list) else f"given {_shown(error['input'])}: "
        return Problem(dotted(path), f"{given}{error['ctx']['error']}", line=line)
    node = _node(path) or {}
    if kind == "missing":
        return Problem(dotted(path), "missing", allowed(node), line=line)
    nearest = _nearest(str(error["input"])[:100], [str(word) for word in node.get("enum", ())])
    quotes = ", in quotes" if kind == "string_type" and isinstance(error["input"], bool | int | float) else ""
    return Problem(dotted(path), f"given {_shown(error['input'])}", allowed(node) + quotes, nearest, line)


def unknown_field(path: Path, line: int | None) -> Problem:
    """The problem of a field that does not exist: with the fields that do, and the one probably meant."""
    *parent, name = path
    fields = list((_node(parent) or {}).get("properties", {}))
    nearest = _nearest(str(name), fields) or _elsewhere(str(name))
    return Problem(dotted(path), "no such field", ", ".join(fields), nearest, line)


def dotted(path: Sequence[str | int]) -> str:
    """A path as people write it: spec.compress.steps[1].prune.ratio."""
    words = "".join(f"[{word}]" if isinstance(word, int) else f".{word}" for word in path)
    return shortened(words.removeprefix("."), 200)


def _line(path: Path, lines: Mapping[Path, int]) -> int | None:
    """The line of the value, or of the nearest section around it that is there."""
    return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), None)


def _node(path: Sequence[str | int]) -> Schema | None:
    """The schema's node for a path; None where the path leads out of the schema."""
    node: Schema | None = user_schema()
    for word in path:
        if node is None or "type" not in node:
            return None
        below = node.get("items") if isinstance(word, int) else node.get("properties", {}).get(word)
        node = below or node.get("additionalProperties") or None
    return node


def _nearest(given: str, words: Sequence[str]) -> str:
    by_plain_word = {_plain(word): word for word in words}
    found = get_close_matches(_plain(given)[:100], by_plain_word, n=1, cutoff=0.6)
    return by_plain_word[found[0]] if found else ""


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _elsewhere(name: str) -> str:
    """The path of a field of that name somewhere else in the spec, such as epochs given outside of train."""
    spec = user_schema()["properties"]["spec"]
    return next((dotted(path) for path in _fields(spec, ("spec",)) if _plain(str(path[-1])) == _plain(name)), "")


def _fields(node: Schema, path: Path) -> Iterator[Path]:
    for name in node.get("properties", {}):
        yield (*path, name)
    for name, field in node.get("properties", {}).items():
        yield from _fields(field, (*path, name))


def _shown(value: object) -> str:
    return shortened(json.dumps(value, default=str), 80)


def shortened(text: str, length: int) -> str:
    """The first line of a text, cut at a length."""
    text, _, more = text.partition("\n")
    text = f"{text}..." if more else text
    return text if len(text) <= length else f"{text[: length - 3]}..."

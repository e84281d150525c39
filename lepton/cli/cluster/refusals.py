"""What an API server answers when it does not do as asked, in the words of the command. Pure.

A refused spec is told by field, in the sentences of `lepton validate`.
"""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Object
from lepton.cli.errors import FAILURE, USAGE, CommandError
from lepton.spec.allowed import allowed
from lepton.spec.problems import Problem, shortened
from lepton.spec.resource import LeptonModel
from lepton.spec.schema import Schema, user_schema

_CRD = "apply manifests/crds, or install the chart"
_PASSING = (429, 500, 502, 503, 504)
"""The API server is overloaded, or something behind it is in trouble."""
_REFUSED = re.compile(r"^(\w[\w ]*): (.+?): (.*)$", re.DOTALL)
"""What was wrong, the value (or, of a rule in CEL, its type) and the rule."""
_OF_THE_SCHEMA = ("Unsupported value", "Too many", "Too long")
_SECTIONS = ('"object"', '"array"')
_UNKNOWN = re.compile(r"\.(spec[^\s:]*): field not declared in schema")
_MISTYPED = re.compile(r"\.(spec[^\s:]*): expected [^,]+, got ")
_WORDS = re.compile(r"[^.\[\]]+|\[\d+\]")


def in_words(error: ApiError, context: str, server: str, model: LeptonModel | None = None) -> CommandError:
    """The sentence for a person, and the exit code; `model` is what was written, where anything was."""
    cluster = f"the cluster of context {context!r}"
    told = {
        0: f"can't reach {cluster} at {server} ({error.message}): see that it is up, and that this machine gets there",
        401: f"{cluster} does not know you (its token may have expired): log in again as you do for kubectl",
        403: f"{cluster} forbids it: {error.message}: ask whoever runs it for that right",
    }.get(error.status)
    if told is not None:
        return CommandError(told)
    if error.status == 404 and error.reason != "NotFound":  # not an object that is missing, but the kind
        return CommandError(f"{cluster} has no {LEPTON_MODEL.name}s: {_CRD}")
    problems = [] if model is None else list(problems_of(error, _document(model)))
    if model is None or not problems:
        again = ": try again" if error.status in _PASSING or error.reason == "Conflict" else ""
        return CommandError(f"{cluster} refuses: {error.message}{again}", FAILURE)
    return CommandError("\n".join(f"{model.metadata.name}: {problem}" for problem in problems), USAGE)


def problems_of(error: ApiError, document: JsonValue) -> Iterator[Problem]:
    """What is wrong with each field of a document that was refused; nothing where it was refused for something else."""
    for field in _UNKNOWN.findall(error.message):
        yield Problem(field, "no such field on this cluster, whose CRD is of another version of Lepton", _CRD)
    for field in _MISTYPED.findall(error.message):
        yield Problem(field, _given(document, field), allowed(_node(field) or {}))
    if error.status == 422:
        yield from (_problem(cause, document) for cause in error.causes if str(cause.get("field")).startswith("spec"))


def _problem(cause: Object, document: JsonValue) -> Problem:
    field, message = str(cause["field"]), str(cause.get("message", ""))
    node, match = _node(field) or {}, _REFUSED.match(message)
    if cause.get("reason") == "FieldValueRequired":
        return Problem(field, "missing", allowed(node))
    if match is None:
        return Problem(field, message)
    kind, value, rule = match.groups()
    if kind in _OF_THE_SCHEMA or " in body " in rule:
        return Problem(field, _given(document, field), allowed(node))
    return Problem(field, rule if value in _SECTIONS else f"{_given(document, field)}: {rule}")  # a rule of ours


def _document(model: LeptonModel) -> JsonValue:
    return {"spec": model.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)}


def _given(document: JsonValue, field: str) -> str:
    value = document
    for word in _WORDS.findall(field):
        if isinstance(value, list):
            value = value[int(word.strip("[]"))]
        elif isinstance(value, dict):
            value = value.get(word)
    return f"given {shortened(json.dumps(value), 80)}"


def _node(field: str) -> Schema | None:
    """The schema's node of a field such as spec.compress.steps[0].prune.ratio; None where there is none."""
    node: Schema | None = user_schema()
    for word in _WORDS.findall(field):
        if node is None:
            return None
        below = node.get("items") if word.startswith("[") else node.get("properties", {}).get(word)
        node = below or node.get("additionalProperties") or None
    return node

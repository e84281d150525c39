"""A user's YAML as LeptonModels, or everything that is wrong with it at once. Called by the command.

It takes text, never a path: reading files is its callers' work. No bytes make it raise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from lepton.spec.document import Document, documents
from lepton.spec.problems import Problem, problem_of
from lepton.spec.resource import LeptonModel
from lepton.spec.schema import IGNORED_METADATA

_GIVEN_BY_THE_STORE = {
    *IGNORED_METADATA,
    *("creationTimestamp", "deletionGracePeriodSeconds", "finalizers", "managedFields", "ownerReferences", "selfLink"),
}

MAX_PROBLEMS = 100
"""Most problems that are told one by one."""


@dataclass(frozen=True)
class Loaded:
    """What a text holds. Where there are problems, there are no models: half a file is never applied."""

    models: tuple[LeptonModel, ...] = ()
    problems: tuple[Problem, ...] = ()


def load(content: bytes | str) -> Loaded:
    """Read one or several YAML documents, each a LeptonModel.

    What Lepton itself writes (status, uid, generation, resourceVersion, ...) is ignored, so that what `lepton get
    -o yaml` prints can be applied again.
    """
    found, problems = documents(content)
    filled = [document for document in found if document.value is not None or document.problems]
    if not filled and not problems:
        problems = [Problem("", "empty", "at least one LeptonModel")]
    models: dict[tuple[str, str], LeptonModel] = {}
    for document in filled:
        model, wrong = _model(document)
        problems += wrong
        if model is None:
            continue
        key = (model.metadata.namespace, model.metadata.name)
        if key in models:
            line = document.lines.get(("metadata", "name"))
            problems.append(Problem("metadata.name", f"{key[1]} is given twice", "each model once", line=line))
        models[key] = model
    return Loaded(problems=_first(problems)) if problems else Loaded(models=tuple(models.values()))


def _first(problems: list[Problem]) -> tuple[Problem, ...]:
    """The problems in the order of their lines, as many as a person reads."""
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    more = [Problem("", f"{len(ordered) - MAX_PROBLEMS} more mistakes")] if len(ordered) > MAX_PROBLEMS else []
    return (*ordered[:MAX_PROBLEMS], *more)


def _model(document: Document) -> tuple[LeptonModel | None, list[Problem]]:
    """The model of one document, or all that is wrong with it."""
    text = json.dumps(_as_written_by_users(document.value))
    try:
        model = LeptonModel.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = [problem_of(detail, document.lines) for detail in error.errors(include_url=False)]
        unread = {problem.field for problem in document.problems}
        return None, document.problems + [problem for problem in wrong if problem.field not in unread]
    return (None, document.problems) if document.problems else (model, [])


def _as_written_by_users(value: JsonValue) -> JsonValue:
    if not isinstance(value, Mapping):
        return value
    user = {name: field for name, field in value.items() if name != "status"}
    metadata = user.get("metadata")
    if isinstance(metadata, Mapping):
        user["metadata"] = {name: field for name, field in metadata.items() if name not in _GIVEN_BY_THE_STORE}
    return user

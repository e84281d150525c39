"""The files that a user gives with -f: read, checked, all their mistakes told at once. For apply, validate, delete."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lepton.cli.errors import USAGE, CommandError
from lepton.cli.place import Place
from lepton.errors import LeptonError
from lepton.spec.load import load
from lepton.spec.resource import LeptonModel


def read_models(names: Sequence[str], place: Place) -> list[LeptonModel]:
    """Every LeptonModel of the files; `-` is standard input, a folder stands for its YAML files.

    A model that does not say its namespace belongs to that of the place, and no other is taken. Raises CommandError
    (exit code 2) with one line for each mistake, or when a model is given twice.
    """
    models: list[LeptonModel] = []
    problems: list[str] = []
    for where, content in _contents(names):
        loaded = load(content)
        problems += [f"{where}: {problem}" for problem in loaded.problems]
        models += [_settled(model, place) for model in loaded.models]
    problems += [_foreign(model, place) for model in models if model.metadata.namespace != place.namespace]
    found = [model.metadata.name for model in models]
    problems += [f"{name} is given twice; each model may be given once" for name in found if found.count(name) > 1][:1]
    if problems:
        raise CommandError("\n".join(problems), USAGE)
    return models


def with_absolute_paths(model: LeptonModel) -> LeptonModel:
    """The model with a relative local path in data.uri read as from the folder in which the command was typed.

    The jobs that read the data run in another process with another folder.
    """
    uri = model.spec.data.uri
    if "://" in uri or "::" in uri:
        return model
    path = os.path.expanduser(uri)  # noqa: PTH111 - Path's own raises where there is no such user
    data = model.spec.data.model_copy(update={"uri": str(Path(path).absolute())})
    return model.model_copy(update={"spec": model.spec.model_copy(update={"data": data})})


def missing_data(model: LeptonModel) -> str | None:
    """What the data stage would say of data on this machine that is not there, with near misses; else None."""
    uri = with_absolute_paths(model).spec.data.uri
    if not uri.startswith(("/", "file://")):
        return None
    from lepton.train.data.sources.location import locate  # noqa: PLC0415 - slow to import

    try:
        locate(uri)
    except LeptonError as error:
        return error.message
    return None


def _settled(model: LeptonModel, place: Place) -> LeptonModel:
    if "namespace" in model.metadata.model_fields_set:
        return model
    metadata = model.metadata.model_copy(update={"namespace": place.namespace})
    return model.model_copy(update={"metadata": metadata})


def _foreign(model: LeptonModel, place: Place) -> str:
    given = model.metadata.namespace
    return f"{model.metadata.name}: metadata.namespace: given {given!r}; allowed: {place.namespace}{place.elsewhere}"


def _contents(names: Sequence[str]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for name in names:
        path = Path(name)
        if not name:  # Path would take it for the folder at hand: `delete -f "$FILE"` must not mean all that is there
            raise CommandError("-f is empty: give a YAML file, a folder of them, or - for standard input", USAGE)
        if name == "-":
            found.append(("standard input", sys.stdin.buffer.read()))
        elif path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))
            if not inside:
                raise CommandError(f"{path} holds no YAML file", USAGE)
            found += [(str(file), file.read_bytes()) for file in inside]
        elif path.exists():
            found.append((name, path.read_bytes()))
        else:
            raise CommandError(
                f"{name} does not exist: give a YAML file, a folder of them, or - for standard input", USAGE
            )
    return found

"""What shows the models of a place: get, with -w for as long as one wants, and describe. Changes nothing."""

import sys
import time
from typing import Literal

from pydantic import JsonValue
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from lepton.cli import console
from lepton.cli.errors import USAGE, CommandError
from lepton.cli.place import Place, require, warn_when_idle
from lepton.cli.show.describe import describe
from lepton.cli.show.resource import get_table, message_of
from lepton.spec.document import dump
from lepton.spec.resource import LeptonModel

Output = Literal["table", "wide", "yaml", "json"]


def get_models(place: Place, name: str | None, output: Output, *, watch: bool) -> None:
    """Show one model or all of them, as a table or for programs; with `watch` until interrupted."""
    if output in ("yaml", "json"):
        if watch:
            raise CommandError(f"-w is for tables: leave it out, or leave -o {output} out", USAGE)
        documents: list[JsonValue] = [
            model.model_dump(mode="json", by_alias=True, exclude_none=True) for model in _read(place, name)
        ]
        console.write(_as_yaml(documents) if output == "yaml" else _as_json(documents, one=name is not None))
        return
    if watch and console.stdout().is_terminal:
        _watch_live(place, name, wide=output == "wide")
    elif watch:
        _watch_lines(place, name)
    models = _read(place, name)
    if models:
        console.stdout().print(get_table(models, time.time(), wide=output == "wide"))
    else:
        console.note("no models yet: `lepton apply -f FILE`")
    warn_when_idle(place)


def describe_model(place: Place, name: str) -> None:
    """Everything about one model on one screen."""
    console.stdout().print(describe(require(place, name), time.time()))
    warn_when_idle(place)


def _as_yaml(documents: list[JsonValue]) -> str:
    """One document for each model, so that the whole can be applied again."""
    return "---\n".join(dump(document) for document in documents)


def _as_json(documents: list[JsonValue], *, one: bool) -> str:
    return console.as_json(documents[0] if one else {"apiVersion": "v1", "kind": "List", "items": documents})


def _read(place: Place, name: str | None) -> list[LeptonModel]:
    return place.models() if name is None else [require(place, name)]


def _watch_live(place: Place, name: str | None, *, wide: bool) -> None:
    def view() -> RenderableType:
        models = _read(place, name)
        return get_table(models, time.time(), wide=wide) if models else Text("no models yet")

    with Live(view(), console=console.stdout(), auto_refresh=False) as live:
        while True:
            place.pause()
            live.update(view(), refresh=True)


def _watch_lines(place: Place, name: str | None) -> None:
    """A line for each change, for whoever reads a pipe."""
    shown: dict[str, str] = {}
    while True:
        for model in _read(place, name):
            line = f"{model.metadata.name}\t{model.status.phase.value}\t{message_of(model)}"
            if shown.get(model.metadata.name) != line:
                shown[model.metadata.name] = line
                console.write(f"{line}\n")
                sys.stdout.flush()
        place.pause()

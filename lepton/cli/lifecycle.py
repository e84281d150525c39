"""What changes or shows the models of the store: apply, get, describe, delete, validate. Waiting is `watch`'s work."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import JsonValue
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from lepton.backends.local.states import NOT_DELETED
from lepton.backends.local.store import Conflict, Store
from lepton.cli import console, machine
from lepton.cli.errors import USAGE, CommandError
from lepton.cli.files import missing_data, read_models, with_absolute_paths
from lepton.cli.show.describe import describe
from lepton.cli.show.resource import get_table, message_of, trouble
from lepton.cli.watch import follow
from lepton.plan.types import Key
from lepton.spec.document import dump
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import RETRIED_AT, LeptonModel

Output = Literal["table", "wide", "yaml", "json"]

_POLL_S = 0.25
_NOTICE_S = 10.0
_STUCK_S = 70.0
"""How long `delete` waits for what refuses: the control loop tries again within 60 s at the latest."""


def apply_files(files: Sequence[str], *, wait: bool) -> None:
    """Store what the files want and say what changed; with `wait` follow it until it serves."""
    models = read_models(files)
    with machine.open_store() as store:
        for model in models:
            console.stdout().print(apply_one(store, model), markup=False)
    if not wait:
        machine.warn_when_down()
        return
    machine.require_up()
    for model in follow([model.metadata.name for model in models]):
        assert model.status.endpoint is not None  # noqa: S101 - a model that serves has an address
        console.stdout().print(f"{model.metadata.name} serves at {model.status.endpoint.http}", markup=False)


def apply_one(store: Store, model: LeptonModel) -> str:
    """Store one model. Returns `digits created`, `digits configured`, `digits unchanged` or that it is tried again."""
    name = model.metadata.name
    before = store.get(Key(model.metadata.namespace, name))
    asked = before.metadata.annotations.get(RETRIED_AT) if before is not None else None
    wanted = _with_retry(with_absolute_paths(model), asked)
    try:
        after = store.apply(wanted)
        if before is None:
            return f"{name} created"
        if after != before:
            return f"{name} configured"
        if before.status.phase != Phase.FAILED or _is_judged(before):
            return f"{name} unchanged"
        store.apply(_with_retry(wanted, datetime.now(UTC).isoformat()))
    except Conflict as error:
        raise CommandError(str(error)) from error
    _wait_until_noticed(store, before)
    return f"{name} unchanged; what failed is tried again"


def _is_judged(model: LeptonModel) -> bool:
    """Whether it failed for what the file says, so that another try would end alike."""
    cause = trouble(model)
    return cause is not None and cause.reason in (Reason.BUDGET_NOT_MET, Reason.REVISION_NOT_FOUND, Reason.INVALID_SPEC)


def _with_retry(model: LeptonModel, asked: str | None) -> LeptonModel:
    """The model with the mark of when another try was last asked for: a file that a user applies does not hold it."""
    if asked is None:
        return model
    annotations = {**model.metadata.annotations, RETRIED_AT: asked}
    return model.model_copy(update={"metadata": model.metadata.model_copy(update={"annotations": annotations})})


def _wait_until_noticed(store: Store, before: LeptonModel) -> None:
    """Until the status no longer tells of the old failure, if Lepton is up to notice."""
    deadline = time.monotonic() + _NOTICE_S
    while machine.is_up() and time.monotonic() < deadline:
        now = store.get(Key(before.metadata.namespace, before.metadata.name))
        if now is None or now.status != before.status:
            return
        time.sleep(_POLL_S)


def validate_files(files: Sequence[str]) -> None:
    """Check the files and say that they are well; mistakes end with exit code 2.

    Data that are not there yet are no mistake, as they may come before the file is applied: that is a warning.
    """
    for model in read_models(files):
        console.stdout().print(f"{model.metadata.name} is valid", markup=False)
        missing = missing_data(model)
        if missing is not None:
            console.note(f"warning: {missing}")


def get_models(name: str | None, output: Output, *, watch: bool) -> None:
    """Show one model or all of them, as a table or for programs; with `watch` until interrupted."""
    if output in ("yaml", "json"):
        if watch:
            raise CommandError(f"-w is for tables: leave it out, or leave -o {output} out", USAGE)
        documents: list[JsonValue] = [
            model.model_dump(mode="json", by_alias=True, exclude_none=True) for model in _read(name)
        ]
        console.write(_as_yaml(documents) if output == "yaml" else _as_json(documents, one=name is not None))
        return
    if not watch:
        models = _read(name)
        if not models:
            console.note("no models yet: `lepton apply -f FILE`")
            return
        console.stdout().print(get_table(models, time.time(), wide=output == "wide"))
    elif console.stdout().is_terminal:
        _watch_live(name, wide=output == "wide")
    else:
        _watch_lines(name)


def describe_model(name: str) -> None:
    """Everything about one model on one screen."""
    with machine.open_store() as store:
        model = machine.require(store, name)
    console.stdout().print(describe(model, time.time()))
    machine.warn_when_down()


def delete_models(names: Sequence[str], files: Sequence[str], *, wait: bool) -> None:
    """Mark the models for deletion, and wait until nothing of them is left."""
    wanted = [*names, *(model.metadata.name for model in read_models(files))] if files else list(names)
    with machine.open_store() as store:
        for name in wanted:
            machine.require(store, name)
        for name in wanted:
            store.delete(Key(machine.NAMESPACE, name))
        if wait:
            machine.require_up()
            _wait_until_gone(store, wanted)
    for name in wanted:
        console.stdout().print(f"{name} deleted" if wait else f"{name} is being deleted", markup=False)
    if not wait:
        machine.warn_when_down()


def _wait_until_gone(store: Store, names: Sequence[str]) -> None:
    """Until none is left; what keeps one is noted, and raised as CommandError once it was tried again in vain."""
    noted: set[str] = set()
    stuck_since: float | None = None
    while left := [model for name in names if (model := store.get(Key(machine.NAMESPACE, name))) is not None]:
        if not machine.is_up():
            raise CommandError("Lepton stopped before all was deleted: `lepton up` carries on with it")
        stuck = [line for model in left if (line := _why_not_deleted(model)) is not None]
        for line in stuck:
            if line not in noted:
                console.note(f"{line}; it is tried again by itself")
                noted.add(line)
        stuck_since = (stuck_since or time.monotonic()) if stuck else None
        if stuck_since is not None and time.monotonic() - stuck_since > _STUCK_S:
            raise CommandError("\n".join((*stuck, "Lepton goes on trying, also without this command")))
        time.sleep(_POLL_S)


def _why_not_deleted(model: LeptonModel) -> str | None:
    """What refused when Lepton last tried to delete it; None when nothing did."""
    ready = next((one for one in model.status.conditions if one.type == ConditionType.READY), None)
    if ready is None or not ready.message.startswith(NOT_DELETED):
        return None
    return f"{model.metadata.name}: {ready.reason.value}: {ready.message}"


def _as_yaml(documents: list[JsonValue]) -> str:
    """One document for each model, so that the whole can be applied again."""
    return "---\n".join(dump(document) for document in documents)


def _as_json(documents: list[JsonValue], *, one: bool) -> str:
    return console.as_json(documents[0] if one else {"apiVersion": "v1", "kind": "List", "items": documents})


def _read(name: str | None) -> list[LeptonModel]:
    with machine.open_store() as store:
        return store.models() if name is None else [machine.require(store, name)]


def _watch_live(name: str | None, *, wide: bool) -> None:
    def view() -> RenderableType:
        models = _read(name)
        return get_table(models, time.time(), wide=wide) if models else Text("no models yet")

    with Live(view(), console=console.stdout(), auto_refresh=False) as live:
        while True:
            time.sleep(_POLL_S)
            live.update(view(), refresh=True)


def _watch_lines(name: str | None) -> None:
    """A line for each change, for whoever reads a pipe."""
    shown: dict[str, str] = {}
    while True:
        for model in _read(name):
            line = f"{model.metadata.name}\t{model.status.phase.value}\t{message_of(model)}"
            if shown.get(model.metadata.name) != line:
                shown[model.metadata.name] = line
                console.stdout().print(line, markup=False)
        time.sleep(_POLL_S)

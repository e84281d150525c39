"""`lepton plan`: what applying files would change, in words. Reads, and never writes."""

import json
import time
from collections.abc import Sequence

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lepton.cli import console
from lepton.cli.files import read_models
from lepton.cli.lifecycle import unless_leaving
from lepton.cli.place import Place
from lepton.cli.show import words
from lepton.plan.preview import Cost, Preview, preview
from lepton.plan.types import Job, Observed, Traffic
from lepton.spec.resource import LeptonModel

_BY_LAST_RUN = "by the last run of each stage"


def plan_files(place: Place, files: Sequence[str]) -> None:
    """Show it for every model of the files. Raises CommandError where one of them would be refused."""
    out = console.stdout()
    for given in read_models(files, place):
        model = place.adapted(given)
        for doubt in place.doubts(given):
            console.note(f"warning: {model.metadata.name}: {doubt}")
        before = unless_leaving(place.get(model.metadata.name))
        observed = place.observe(before or model)
        found = preview(observed, model, time.time())
        _show(out, _headline(model, found, is_new=before is None), found, _objects(place, observed, found))
    console.note("nothing was changed: `lepton apply -f FILE` does it")


def _show(out: Console, headline: str, found: Preview, objects: Sequence[str]) -> None:
    out.print(Text(headline, style="bold"))
    for change in found.changes:
        out.print(f"  {change.field}: {_shown(change.before)} -> {_shown(change.after)}", markup=False)
    if found.comes:
        out.print(_stages(found))
    for line in (*objects, *_costs(found)):
        out.print(f"  {line}", markup=False)
    if found.stopped is not None:
        out.print(Text(f"  it would stop there: {found.stopped}", "yellow"))


def _headline(model: LeptonModel, found: Preview, *, is_new: bool) -> str:
    name = model.metadata.name
    if is_new:
        return f"{name} would be created"
    if not found.changes and not found.comes and not found.goes:
        return f"{name} would stay as it is"
    builds = any(isinstance(desired, Job) and desired.kind == "build" for desired in found.comes)
    serves = "nothing" if found.serves is None else f"revision {found.serves}"
    return f"{name} would change; in the end {serves} serves, {'after a build' if builds else 'without a build'}"


def _stages(found: Preview) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for run in found.stages:
        table.add_row(f"  {run.stage}", Text("runs", "cyan") if run.runs else Text("stays", "dim"), Text(run.why))
    return table


def _objects(place: Place, observed: Observed, found: Preview) -> list[str]:
    lines = []
    for desired in found.comes:
        what = ", ".join(place.objects(desired))
        if not isinstance(desired, Traffic) or desired.ref not in observed.owned:
            lines.append(f"comes: {what}{', until the gate has spoken' if desired.ref in found.passing else ''}")
        elif found.keeps_servers:
            lines.append(f"changes: {what}")
        else:
            lines.append(f"moves: {what} to revision {desired.revision}")
    return [*lines, *(f"goes: {what}" for what in place.vanishing(observed.model, found))]


def _costs(found: Preview) -> list[str]:
    if not any(isinstance(desired, Job) for desired in found.comes):
        return []
    return [f"takes: {_cost(found.cost)}"]


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return "not yet known, as not every stage has run before"
    gpu = f"{cost.gpu_hours:.2g} GPU-hours" if cost.gpu_hours else "no GPU"
    return f"about {words.duration(cost.seconds)}, {cost.cpu_hours:.2g} CPU-hours, {gpu}, {_BY_LAST_RUN}"


def _shown(value: JsonValue) -> str:
    return "unset" if value is None else json.dumps(value)

"""A LeptonModel in short: the row of `lepton get`, and the next thing to do. Pure."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lepton.cli.show import words
from lepton.cli.show.fitted import Fitted
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Condition

GOING_WELL = frozenset({Reason.PENDING, Reason.IN_PROGRESS, Reason.SUCCEEDED, Reason.SUSPENDED})
"""Reasons that ask nothing of anybody."""

_GAP = 3
"""Columns between two columns of `lepton get`."""
_MESSAGE = 40
"""Columns that its message needs to be read with ease."""
_LEAST_NEEDED = ("P50", "SIZE", "AGE", "REVISION", "ACCURACY")

PHASE_COLOURS = {
    Phase.PENDING: "yellow",
    Phase.TRAINING: "cyan",
    Phase.COMPRESSING: "cyan",
    Phase.GATING: "cyan",
    Phase.DEPLOYING: "cyan",
    Phase.SERVING: "green",
    Phase.SUSPENDED: "yellow",
    Phase.FAILED: "red",
}


def trouble(model: LeptonModel) -> Condition | None:
    """The first condition that shows why the model is not where it should be; None when all goes well.

    Conditions stand in the order in which they come true, so the first that failed is the deepest cause.
    """
    return next((c for c in model.status.conditions if c.status != "True" and c.reason not in GOING_WELL), None)


def cause_of(model: LeptonModel) -> Condition | None:
    """What a person is told first: that what serves fails, else the deepest cause of trouble; None when all is well."""
    serving = next((c for c in model.status.conditions if c.type == ConditionType.SERVING), None)
    return serving if serving is not None and serving.status == "False" else trouble(model)


def message_of(model: LeptonModel) -> str:
    """What goes on, in one line: the cause of trouble, else what is being built."""
    cause = cause_of(model)
    if cause is not None:
        return f"{cause.reason.value}: {cause.message}"
    if model.status.candidate is not None:
        return candidate_line(model)
    ready = next((c for c in model.status.conditions if c.type == ConditionType.READY), None)
    return ready.message if ready is not None else ""


def candidate_line(model: LeptonModel) -> str:
    """`train 60 %: epoch 12 of 20, accuracy 90.8, 40 s left`; empty when nothing is being built."""
    candidate = model.status.candidate
    if candidate is None:
        return ""
    line = f"{candidate.stage} {candidate.progress:.0%}"
    if candidate.message:
        line += f": {candidate.message}"
    if candidate.seconds_left is not None:
        line += f", {words.duration(candidate.seconds_left)} left"
    return line


def created(model: LeptonModel) -> str | None:
    """When the oldest remembered fact about the model was written (RFC 3339)."""
    times = [condition.last_transition_time for condition in model.status.conditions]
    times += [record.created for record in model.status.revisions]
    return min(times, default=None)


def get_table(models: Sequence[LeptonModel], now: float, *, wide: bool = False) -> Fitted:
    """One row for each model, as `kubectl get` would show it; with fewer columns where there is little room."""
    headings = ["NAME", "PHASE", "REVISION", "ACCURACY", "SIZE", "P50", "AGE"]
    headings += ["ENDPOINT", "DIGEST"] if wide else []
    rows = [_cells(model, now, wide=wide) for model in models]
    widths = {
        heading: max(len(heading), *(len(row[column]) for row in rows)) if rows else len(heading)
        for column, heading in enumerate(headings)
    }

    def make(room: int) -> Table:
        shown = headings if wide else _that_fit(widths, room)
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for heading in shown:
            table.add_column(heading, no_wrap=True, min_width=widths[heading])
        table.add_column("MESSAGE", overflow="fold")
        for row in rows:
            table.add_row(*(row[headings.index(heading)] for heading in shown), row[-1])
        return table

    return Fitted(make)


def _that_fit(widths: dict[str, int], room: int) -> list[str]:
    """The columns that leave the message enough room to be read; the least needed go first."""
    shown = list(widths)
    for heading in _LEAST_NEEDED:
        if sum(widths[name] + _GAP for name in shown) + _MESSAGE <= room:
            break
        shown.remove(heading)
    return shown


def _cells(model: LeptonModel, now: float, *, wide: bool) -> list[str | Text]:
    status, serving = model.status, model.status.serving
    since = created(model)
    cells: list[str | Text] = [
        model.metadata.name,
        Text(status.phase.value, PHASE_COLOURS[status.phase]),
        str(serving.revision) if serving else words.NOTHING,
        words.percent(serving.accuracy) if serving else words.NOTHING,
        words.size(serving.size_bytes) if serving else words.NOTHING,
        words.milliseconds(serving.p50_ms) if serving else words.NOTHING,
        words.age(since, now) if since else words.NOTHING,
    ]
    if wide:
        cells += [
            status.endpoint.http if status.endpoint else words.NOTHING,
            words.in_short(serving.digest) if serving else words.NOTHING,
        ]
    return [*cells, Text(message_of(model))]


def conditions_table(model: LeptonModel, now: float) -> Table:
    """Every condition with its age and its sentence."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("condition", "status", "reason", "age"):
        table.add_column(heading, no_wrap=True)
    table.add_column("message", overflow="fold")
    for condition in model.status.conditions:
        bad = condition.status != "True" and condition.reason not in GOING_WELL
        colour = "red" if bad else "green" if condition.status == "True" else "yellow"
        table.add_row(
            condition.type.value,
            f"[{colour}]{condition.status}[/]",
            condition.reason.value,
            words.age(condition.last_transition_time, now),
            escape(condition.message),
        )
    return table


def next_action(model: LeptonModel) -> str:
    """The one thing to do now, as a sentence."""
    name, status = model.metadata.name, model.status
    cause = cause_of(model)
    if status.phase == Phase.FAILED:
        what = cause.type.value if cause else "the message"
        return f"mend what {what} says, in the file or where it points, and apply the file again"
    if cause is not None:
        return f"nothing: Lepton tries again by itself; `lepton logs {name}` tells more"
    if status.phase == Phase.SUSPENDED:
        return "set spec.suspend to false and apply the file to go on"
    if status.phase == Phase.SERVING:
        return f"`lepton predict {name} IMAGE` asks it; `lepton report {name}` shows how good it is"
    return f"nothing: the work goes on; `lepton get {name} -w` shows it live"

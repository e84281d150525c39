"""Everything about one LeptonModel on one screen: the spec in short, conditions, revisions, endpoint, next action."""

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lepton.cli.show import words
from lepton.cli.show.fitted import Fitted, with_sentences
from lepton.cli.show.resource import PHASE_COLOURS, candidate_line, conditions_table, next_action
from lepton.spec.compress import CompressStep
from lepton.spec.resource import LeptonModel, Spec
from lepton.spec.status import RevisionRecord


def describe(model: LeptonModel, now: float) -> RenderableType:
    """The whole description; `now` in seconds since the epoch."""
    parts: list[RenderableType] = [
        _facts(model),
        Text(),
        Text("Conditions", style="bold"),
        conditions_table(model, now),
    ]
    if model.status.revisions:
        parts += [Text("Revisions", style="bold"), revisions_table(model, now)]
    return Group(*parts, Text.assemble(("Next: ", "bold"), next_action(model)))


def spec_lines(spec: Spec) -> dict[str, str]:
    """The spec in short: what a person wants to be reminded of, section by section."""
    model, train = spec.model, spec.train
    network = model.module or f"{model.resolved_architecture}{f'-{model.depth}' if model.depth else ''}"
    gate = spec.gate.model_dump(by_alias=True, exclude_none=True)
    return {
        "Data": spec.data.uri,
        "Model": network + (f", width {model.width}" if model.width else ""),
        "Train": f"{train.epochs} epochs, batch {train.batch_size or 'auto'}, {train.optimizer.name}, {train.schedule}",
        "Compress": ", then ".join(step_line(step) for step in spec.compress.steps) or "nothing",
        "Gate": ", ".join(f"{budget} {value:g}" for budget, value in gate.items()),
    }


def step_line(step: CompressStep) -> str:
    """`prune 50 %`, `quantize int8`, `distill to mobilenet width 8`."""
    if step.prune is not None:
        return f"prune {step.prune.ratio:.0%}"
    if step.quantize is not None:
        return f"quantize {step.quantize.scheme}"
    student = step.distill.student if step.distill is not None else None
    if student is None:
        return "distill"
    wanted = student.model_dump(exclude_none=True)
    return "distill to " + " ".join(f"{key} {value}" for key, value in wanted.items())


def revisions_table(model: LeptonModel, now: float) -> Fitted:
    """The remembered revisions, newest first; the one that serves is marked."""
    serving = model.status.serving.revision if model.status.serving else None
    rows = [_revision_row(record, now, serves=record.number == serving) for record in model.status.revisions]
    return with_sentences("message", rows, _new_revisions_table)


def _new_revisions_table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("revision", "outcome", "cause", "age", "accuracy", "size", "digest"):
        table.add_column(heading, no_wrap=True)
    return table


def _revision_row(record: RevisionRecord, now: float, *, serves: bool) -> tuple[tuple[str, ...], str]:
    cells = (
        f"{record.number}{' *' if serves else ''}",
        record.outcome,
        escape(record.cause),
        words.age(record.created, now),
        words.percent(record.metrics.get("accuracy")),
        words.size(record.metrics.get("sizeBytes")),
        words.in_short(record.digest) if record.digest else words.NOTHING,
    )
    return cells, "serves now" if serves else record.message


def _facts(model: LeptonModel) -> Table:
    status = model.status
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Name", model.metadata.name)
    table.add_row("Phase", f"[{PHASE_COLOURS[status.phase]}]{status.phase.value}[/]")
    for key, value in spec_lines(model.spec).items():
        table.add_row(key, escape(value))
    if model.spec.revision is not None:
        table.add_row("Pinned to", f"revision {model.spec.revision}")
    if status.candidate is not None:
        table.add_row("Building", escape(f"revision {status.candidate.revision}: {candidate_line(model)}"))
    if status.endpoint is not None:
        table.add_row("HTTP", status.endpoint.http)
        table.add_row("gRPC", status.endpoint.grpc)
    if status.serving is not None:
        served = status.serving
        table.add_row("Serving", f"revision {served.revision}, {served.digest}")
        table.add_row(
            "",
            f"accuracy {words.percent(served.accuracy)}, {words.size(served.size_bytes)}, "
            f"p50 {words.milliseconds(served.p50_ms)} over HTTP",
        )
    return table

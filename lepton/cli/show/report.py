"""The report of a revision as tables for the terminal. Pure; the page in HTML says more."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lepton.cli.results import Result
from lepton.cli.show import words
from lepton.cli.show.comparison import comparison_table
from lepton.cli.show.fitted import Fitted, with_sentences
from lepton.report import CheckResult, DataReport, Evaluation, Interval, Variant


def report_tables(result: Result) -> RenderableType:
    """Headline, gate, variants, classes, data and lineage, from top to bottom."""
    report, gate = result.report, result.gate
    parts: list[RenderableType] = [_headline(result), Text()]
    if gate is not None:
        parts += [comparison_table(gate), checks_table(gate.checks)]
    parts.append(variants_table(report.variants, report.served))
    if gate is not None:
        parts.append(classes_table(report.classes, gate.candidate.evaluation))
    parts += [data_facts(report.data), Text()]
    origin = report.lineage
    parts.append(Text(f"data {origin.data_uri} {origin.data_digest}, seed {origin.seed}", style="dim"))
    return Group(*parts)


def checks_table(results: Sequence[CheckResult]) -> Table:
    """Every budget and whether it holds."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("gate", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("in words", overflow="fold")
    for check in results:
        verdict = "[green]passed[/]" if check.passed else "[red]failed[/]"
        table.add_row(check.name, verdict, escape(check.message))
    return table


def variants_table(variants: Sequence[Variant], served: str) -> Fitted:
    """Every model of the build, the dropped ones too, with the reason."""
    return with_sentences("why", [_variant_row(variant, served) for variant in variants], _new_variants_table)


def _new_variants_table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("step", no_wrap=True)
    for heading in ("accuracy", "size", "MACs", "p50"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    return table


def _variant_row(variant: Variant, served: str) -> tuple[tuple[str, ...], str]:
    cells = (
        variant.name,
        words.percent(variant.validation_accuracy),
        words.size(variant.size_bytes),
        words.count(variant.macs),
        words.milliseconds(variant.runtime.p50_ms),
        _fate(variant, served),
    )
    return cells, variant.decision


def data_facts(found: DataReport) -> Table:
    """How many examples there are, and what was wrong with the data."""
    unreadable = f"{found.corrupt:,} left out"
    if found.corrupt_examples:
        some = "" if found.corrupt == len(found.corrupt_examples) else f"; the first {len(found.corrupt_examples)}"
        unreadable += f"{some}: {', '.join(found.corrupt_examples)}"
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("examples", f"{found.train:,} to train, {found.validation:,} to validate, {found.test:,} held out")
    table.add_row("unreadable", Text(unreadable))
    table.add_row("duplicates", f"{found.duplicates:,} whose content occurs more than once")
    table.add_row("contradictory", f"{found.contradictory:,} whose content also occurs under another class")
    return table


def classes_table(classes: Sequence[str], evaluation: Evaluation) -> Table:
    """Precision, recall and F1 of every class in percent, with 95 % intervals."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", overflow="ellipsis", no_wrap=True)
    for heading in ("examples", "precision", "recall", "F1"):
        table.add_column(heading, justify="right", no_wrap=True)
    for index, name in enumerate(classes):
        table.add_row(
            escape(name),
            str(sum(evaluation.confusion[index])),
            _with_interval(evaluation.precision[name]),
            _with_interval(evaluation.recall[name]),
            _with_interval(evaluation.f1[name]),
        )
    return table


def _headline(result: Result) -> Text:
    report, gate = result.report, result.gate
    if gate is None:
        verdict = ("not measured at its endpoint yet", "yellow")
    elif all(check.passed for check in gate.checks):
        verdict = ("gate passed", "green")
    else:
        verdict = ("gate failed", "red")
    return Text.assemble((f"{report.model}, revision {report.lineage.revision}: ", "bold"), verdict)


def _fate(variant: Variant, served: str) -> str:
    if variant.name == served:
        return "[green]served[/]"
    return "kept" if variant.kept else "[red]dropped[/]"


def _with_interval(interval: Interval) -> str:
    return f"{interval.value:.1f} ({interval.low:.1f} to {interval.high:.1f})"

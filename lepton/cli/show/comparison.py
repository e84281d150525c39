"""The uncompressed and the compressed model side by side, as measured at their live endpoints. Pure."""

from dataclasses import dataclass

from rich import box
from rich.table import Table

from lepton.cli.show import words
from lepton.report import Endpoint, GateReport


@dataclass(frozen=True)
class Row:
    """One measured figure before and after compression."""

    name: str
    before: str
    after: str
    change: str


def comparison_rows(gate: GateReport) -> tuple[Row, ...]:
    """Accuracy, macro F1, size, latency over both protocols, and what 1,000 predictions cost."""
    before, after = gate.uncompressed, gate.candidate
    return (
        _quality("accuracy", before.evaluation.accuracy.value, after.evaluation.accuracy.value),
        _quality("macro F1", before.evaluation.macro_f1.value, after.evaluation.macro_f1.value),
        Row(
            "size",
            words.size(before.size_bytes),
            words.size(after.size_bytes),
            words.times(before.size_bytes, after.size_bytes, "smaller", "larger"),
        ),
        _latency("HTTP p50", before.http.p50_ms, after.http.p50_ms),
        _latency("HTTP p99", before.http.p99_ms, after.http.p99_ms),
        _latency("gRPC p50", before.grpc.p50_ms, after.grpc.p50_ms),
        _latency("gRPC p99", before.grpc.p99_ms, after.grpc.p99_ms),
        _cost(before, after),
    )


def comparison_table(gate: GateReport) -> Table:
    """The same as a table for the terminal."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("at the endpoint")
    table.add_column("uncompressed", justify="right")
    table.add_column("compressed", justify="right", style="bold")
    table.add_column("change", justify="right")
    for row in comparison_rows(gate):
        table.add_row(row.name, row.before, row.after, row.change)
    return table


def _quality(name: str, before: float, after: float) -> Row:
    return Row(name, words.percent(before), words.percent(after), words.points(before, after))


def _latency(name: str, before: float, after: float) -> Row:
    return Row(
        name, words.milliseconds(before), words.milliseconds(after), words.times(before, after, "faster", "slower")
    )


def _cost(before: Endpoint, after: Endpoint) -> Row:
    if before.joules_per_1000 is not None and after.joules_per_1000 is not None:
        name, unit, costs = "energy / 1,000", "J", (before.joules_per_1000, after.joules_per_1000)
    else:
        name, unit, costs = "CPU / 1,000", "s", (before.cpu_seconds_per_1000, after.cpu_seconds_per_1000)
    first, second = costs
    return Row(name, f"{first:.2f} {unit}", f"{second:.2f} {unit}", words.times(first, second, "less", "more"))

"""Answers of the served model as text for people. Pure."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lepton.cli.predict.client import Answer
from lepton.cli.show import words


def answers_view(answers: Sequence[Answer], top_k: int | None) -> RenderableType:
    """One answer in full; several as a table with the count of each label."""
    if len(answers) == 1:
        return one_answer(answers[0], top_k)
    return Group(_table(answers, top_k), Text(summary(answers)))


def one_answer(answer: Answer, top_k: int | None) -> RenderableType:
    """The label, how long it took, and the likeliest classes with a bar each."""
    head = Text.assemble(
        f"{answer.name}: ",
        (answer.label, "bold green"),
        f" ({words.percent(100 * answer.probability)}), {words.milliseconds(answer.milliseconds)}",
    )
    table = Table.grid(padding=(0, 2))
    for label, share in answer.top[:top_k]:
        table.add_row(f"  {escape(label)}", f"{100 * share:6.2f} %", "█" * round(30 * share))
    return Group(head, table)


def summary(answers: Sequence[Answer]) -> str:
    """`3 images: cat (2), dog (1); 2 of 3 have the label of their folder (66.67 %); median 0.52 ms`."""
    counts = Counter(answer.label for answer in answers)
    parts = [f"{len(answers)} images: " + ", ".join(f"{label} ({number})" for label, number in counts.most_common())]
    in_folders = [answer for answer in answers if answer.folder is not None]
    if in_folders:
        right = sum(answer.label == answer.folder for answer in in_folders)
        share = words.percent(100 * right / len(in_folders))
        parts.append(f"{right} of {len(in_folders)} have the label of their folder ({share})")
    times = sorted(answer.milliseconds for answer in answers)
    parts.append(f"median {words.milliseconds(times[len(times) // 2])}")
    return "; ".join(parts)


def _table(answers: Sequence[Answer], top_k: int | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("input", overflow="fold")
    table.add_column("label")
    table.add_column("probability", justify="right")
    if top_k is not None:
        table.add_column("likeliest", overflow="fold")
    for answer in answers:
        wrong = answer.folder is not None and answer.folder != answer.label
        label = f"[yellow]{escape(answer.label)}[/]" if wrong else escape(answer.label)
        cells = [escape(answer.name), label, words.percent(100 * answer.probability)]
        if top_k is not None:
            cells.append(
                escape(", ".join(f"{name} {words.percent(100 * share)}" for name, share in answer.top[:top_k]))
            )
        table.add_row(*cells)
    return table

"""What looks different where there is little room: made only when the width is known. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_NARROW = 110
"""Columns below which a sentence beside a table's figures would be squeezed."""


@dataclass(frozen=True)
class Fitted:
    """Calls `make` with the columns that there are."""

    make: Callable[[int], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """For rich: what to show in this width."""
        yield self.make(options.max_width)


def with_sentences(heading: str, rows: Iterable[tuple[tuple[str, ...], str]], new_table: Callable[[], Table]) -> Fitted:
    """A table whose rows end with a sentence: in a column of its own, or below the table where there is little room.

    Cells may hold markup; sentences are shown as they are, and name the first cell of their row when they stand below.
    """
    given = tuple(rows)

    def make(width: int) -> RenderableType:
        table, narrow = new_table(), width < _NARROW
        if not narrow:
            table.add_column(heading, overflow="fold")
        for cells, sentence in given:
            table.add_row(*cells, *(() if narrow else (Text(sentence),)))
        if not narrow:
            return table
        below = [Padding(Text(f"{cells[0]}: {sentence}"), (0, 0, 0, 2)) for cells, sentence in given if sentence]
        return Group(table, *below, *([Text()] if below else []))

    return Fitted(make)

"""Where the command writes: answers on stdout, everything else on stderr. Colours only where a person reads them.

Rich honours NO_COLOR by itself. What does not go to a terminal is never wrapped or cut, so that it can be piped.
"""

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:  # every command imports this module, `--help` too, and pydantic is slow to import
    from pydantic import JsonValue

_UNCUT = 10_000
"""Columns of what is not a terminal: tables are as wide as they need."""


def stdout() -> Console:
    """For answers."""
    return Console(width=None if sys.stdout.isatty() else _UNCUT, highlight=False, soft_wrap=not sys.stdout.isatty())


def stderr() -> Console:
    """For progress, notes and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def note(text: str) -> None:
    """A remark that is not part of the answer."""
    stderr().print(text, markup=False)


def as_json(value: "JsonValue") -> str:
    """An answer for programs, as text."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write(text: str) -> None:
    """Put text on stdout as it is. With an answer for programs nothing else may be there."""
    sys.stdout.write(text)

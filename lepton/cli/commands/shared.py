"""What the commands share: which words they take, and where they work."""
# ruff: noqa: PLC0415 - see lepton.cli.app

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from lepton.cli.errors import USAGE, CommandError

if TYPE_CHECKING:
    from lepton.cli.place import Place

Files = Annotated[list[str], typer.Option("--file", "-f", help="YAML file, folder of them, or - for standard input.")]
Name = Annotated[str, typer.Argument(help="Name of the model.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of models.")]

ON_A_LAPTOP = {
    "up": "`up` starts Lepton on this machine; on a cluster it is installed with Helm and then runs",
    "down": "`down` stops Lepton on this machine; on a cluster `helm uninstall` takes it away",
    "demo": "`demo` starts Lepton on this machine; on a cluster `lepton apply -f FILE --wait` does the rest of it",
}
"""The verbs that a cluster does not have, and why."""

T = TypeVar("T")


def at_place(context: typer.Context, do: "Callable[[Place], T]") -> T:
    """Do it where `--context` says, or on this machine."""
    from lepton.cli.where import Where, open_place

    with open_place(Where(*context.obj)) as place:
        return do(place)


def require_laptop(context: typer.Context, verb: str) -> None:
    """Raise CommandError where a cluster is meant, which does not have the verb."""
    if context.obj[0] is not None:
        raise CommandError(f"{ON_A_LAPTOP[verb]}: leave --context and LEPTON_CONTEXT out", USAGE)

"""The `lepton` command: all that can be typed, and nothing else. Each command hands over to the module that does it.

Those modules are imported inside the commands, so that `lepton --help` answers at once; the client of Kubernetes only
where a context is named. Neither torch nor ray is ever imported here.
"""

import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated

import typer

from lepton.cli.commands import models, results, run
from lepton.cli.errors import guarded

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Run Lepton": (run.up, run.down, run.doctor),
    "Models": (
        models.apply,
        models.plan,
        models.get,
        models.describe,
        models.wait,
        models.retry,
        models.suspend,
        models.resume,
        models.rollback,
        models.delete,
        models.validate,
    ),
    "Results": (results.predict, results.report, results.logs),
    "Help": (run.schema, run.version),
}
"""By the heading under which `lepton --help` lists them."""
NOWHERE = ("schema", "version")
"""The verbs that speak of no place."""

app = typer.Typer(
    name="lepton",
    help="From one YAML to a small, served, measured model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for heading, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=heading)(command)
app.command(hidden=True)(run.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        run.version()
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--context",
            envvar="LEPTON_CONTEXT",
            help="Work on the cluster of this context of your kubeconfig, not on this machine.",
        ),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Namespace on the cluster; the context's own by default.")
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = (cluster or None, namespace)


def main() -> None:
    """The entry point: runs the command and ends the process with its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file may be no text
    sys.exit(guarded(lambda: typer.main.get_command(app)(prog_name="lepton")))

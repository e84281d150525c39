"""The `lepton` command: what can be typed, and nothing else. Each command hands over to the module that does it.

Those modules are imported inside the commands, so that `lepton --help` answers at once; the client of Kubernetes only
where a context is named. Neither torch nor ray is ever imported here.
"""
# ruff: noqa: PLC0415 - see above

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from lepton.cli.errors import USAGE, CommandError, guarded

if TYPE_CHECKING:
    from lepton.cli.place import Place

app = typer.Typer(
    name="lepton",
    help="From one YAML to a small, served, measured model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_RUN, _MODELS, _RESULTS, _HELP = "Run Lepton", "Models", "Results", "Help"

Files = Annotated[list[str], typer.Option("--file", "-f", help="YAML file, folder of them, or - for standard input.")]
Name = Annotated[str, typer.Argument(help="Name of the model.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of models.")]

ON_A_LAPTOP = {
    "up": "`up` starts Lepton on this machine; on a cluster it is installed with Helm and then runs",
    "down": "`down` stops Lepton on this machine; on a cluster `helm uninstall` takes it away",
    "demo": "`demo` starts Lepton on this machine; on a cluster `lepton apply -f FILE --wait` does the rest of it",
}
"""The verbs that a cluster does not have, and why."""
NOWHERE = ("schema", "version")
"""The verbs that speak of no place."""

T = TypeVar("T")


def _at_place(context: typer.Context, do: "Callable[[Place], T]") -> T:
    """Do it where `--context` says, or on this machine."""
    from lepton.cli.where import Where, open_place

    with open_place(Where(*context.obj)) as place:
        return do(place)


def _require_laptop(context: typer.Context, verb: str) -> None:
    if context.obj[0] is not None:
        raise CommandError(f"{ON_A_LAPTOP[verb]}: leave --context and LEPTON_CONTEXT out", USAGE)


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
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


@app.command(rich_help_panel=_RUN)
def up(
    context: typer.Context,
    http_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Models answer here over HTTP (8000).")
    ] = None,
    grpc_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Models answer here over gRPC (8001).")
    ] = None,
    triton_metrics_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Triton's metrics (8002).")] = None,
    metrics_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Lepton's metrics (8003).")] = None,
    artifacts: Annotated[str | None, typer.Option(help="Where artifacts go: a folder or any fsspec URL.")] = None,
) -> None:
    """Start Lepton on this machine, or carry on where it stopped. What is given here is remembered."""
    _require_laptop(context, "up")
    from lepton.cli import machine

    machine.up(
        {
            "http_port": http_port,
            "grpc_port": grpc_port,
            "triton_metrics_port": triton_metrics_port,
            "metrics_port": metrics_port,
            "artifacts": artifacts if artifacts is None or "://" in artifacts else str(Path(artifacts).absolute()),
        }
    )


@app.command(rich_help_panel=_RUN)
def down(context: typer.Context) -> None:
    """Stop Lepton on this machine. All state stays; `lepton up` carries on."""
    _require_laptop(context, "down")
    from lepton.cli import machine

    machine.down()


@app.command(rich_help_panel=_RUN)
def doctor(context: typer.Context) -> None:
    """Tell what is missing on this machine, or on the cluster, and how to mend it."""
    from lepton.cli.doctor import run_doctor

    _at_place(context, run_doctor)


@app.command(rich_help_panel=_MODELS)
def apply(
    context: typer.Context,
    file: Files,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the work until the model serves.")] = False,
) -> None:
    """Create or change models as the files say."""
    from lepton.cli.lifecycle import apply_files

    _at_place(context, lambda place: apply_files(place, file, wait=wait))


@app.command(rich_help_panel=_MODELS)
def plan(context: typer.Context, file: Files) -> None:
    """Show what applying the files would change: stages, objects, time. Changes nothing."""
    from lepton.cli.planning import plan_files

    _at_place(context, lambda place: plan_files(place, file))


@app.command(rich_help_panel=_MODELS)
def get(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of the model; all of them when left out.")] = None,
    output: Annotated[Literal["table", "wide", "yaml", "json"], typer.Option("--output", "-o")] = "table",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing what changes.")] = False,
) -> None:
    """List models, or show one."""
    from lepton.cli.reading import get_models

    _at_place(context, lambda place: get_models(place, name, output, watch=watch))


@app.command(rich_help_panel=_MODELS)
def describe(context: typer.Context, name: Name) -> None:
    """Everything about one model: conditions, revisions, endpoint, and what to do next."""
    from lepton.cli.reading import describe_model

    _at_place(context, lambda place: describe_model(place, name))


@app.command(rich_help_panel=_MODELS)
def wait(
    context: typer.Context,
    names: Names,
    timeout: Annotated[float | None, typer.Option(min=0, help="Give up after so many seconds.")] = None,
) -> None:
    """Follow models until they serve, or need a person."""
    from lepton.cli.lifecycle import wait_for

    _at_place(context, lambda place: wait_for(place, names, timeout))


@app.command(rich_help_panel=_MODELS)
def retry(context: typer.Context, names: Names) -> None:
    """Try again what failed, once what was wrong outside of the file is mended."""
    from lepton.cli.lifecycle import retry_models

    _at_place(context, lambda place: retry_models(place, names))


@app.command(rich_help_panel=_MODELS)
def suspend(context: typer.Context, names: Names) -> None:
    """Start nothing new for these models; what serves goes on."""
    from lepton.cli.lifecycle import set_suspended

    _at_place(context, lambda place: set_suspended(place, names, suspend=True))


@app.command(rich_help_panel=_MODELS)
def resume(context: typer.Context, names: Names) -> None:
    """Let the work on suspended models go on."""
    from lepton.cli.lifecycle import set_suspended

    _at_place(context, lambda place: set_suspended(place, names, suspend=False))


@app.command(rich_help_panel=_MODELS)
def rollback(
    context: typer.Context,
    name: Name,
    to: Annotated[int | None, typer.Option("--to", min=1, help="Which revision; the last good one by default.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to what the spec asks for.")] = False,
) -> None:
    """Serve an earlier revision again, without building anything."""
    from lepton.cli.lifecycle import roll_back, unpin

    if undo and to is not None:
        raise CommandError("give --to or --undo, not both", USAGE)
    _at_place(context, lambda place: unpin(place, name) if undo else roll_back(place, name, to))


@app.command(rich_help_panel=_MODELS)
def delete(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of models.")] = None,
    file: Annotated[list[str] | None, typer.Option("--file", "-f", help="Delete the models of this file.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until nothing of them is left.")] = True,
) -> None:
    """Delete models with all that belongs to them: endpoint, jobs, artifacts."""
    from lepton.cli.lifecycle import delete_models

    if not names and not file:
        raise CommandError("give the name of a model, or a file with -f", USAGE)
    _at_place(context, lambda place: delete_models(place, names or [], file or [], wait=wait))


@app.command(rich_help_panel=_MODELS)
def validate(context: typer.Context, file: Files) -> None:
    """Check files without applying them; every mistake is told at once."""
    from lepton.cli.lifecycle import validate_files

    _at_place(context, lambda place: validate_files(place, file))


@app.command(rich_help_panel=_RESULTS)
def predict(
    context: typer.Context,
    name: Name,
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Image files, folders of them, or JSON (a file, inline, or - )."),
    ],
    protocol: Annotated[Literal["http", "grpc"], typer.Option()] = "http",
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, help="How many of the likeliest classes.")] = None,
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o")] = "table",
) -> None:
    """Ask the served model."""
    from lepton.cli.predict.command import Wish
    from lepton.cli.predict.command import predict as ask

    _at_place(context, lambda place: ask(place, name, inputs, Wish(protocol, top_k, output == "json")))


@app.command(rich_help_panel=_RESULTS)
def report(
    context: typer.Context,
    name: Name,
    revision: Annotated[int | None, typer.Option(min=1, help="Which revision; the serving one by default.")] = None,
    output: Annotated[Literal["table", "json", "html"], typer.Option("--output", "-o")] = "table",
    to: Annotated[Path | None, typer.Option("--to", help="File to write to.")] = None,
) -> None:
    """Show how good a revision is: accuracy, size, latency, every step of its compression."""
    from lepton.cli.reporting import report as show

    _at_place(context, lambda place: show(place, name, revision, output, to))


@app.command(rich_help_panel=_RESULTS)
def logs(
    context: typer.Context,
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the jobs have ended.")] = False,
    revision: Annotated[int | None, typer.Option(min=1, help="Which revision; the newest by default.")] = None,
) -> None:
    """Print what the jobs of a revision printed."""
    from lepton.cli.logs import show_logs

    _at_place(context, lambda place: show_logs(place, name, revision, keep_on=follow))


@app.command(rich_help_panel=_HELP)
def schema() -> None:
    """Print the JSON schema of a LeptonModel, for editors and programs."""
    from lepton.cli.console import as_json, write
    from lepton.spec.schema import editor_schema

    write(as_json(editor_schema()))


@app.command(rich_help_panel=_HELP)
def version() -> None:
    """Print the version."""
    from lepton import __version__
    from lepton.cli.console import write

    write(f"lepton {__version__}\n")


@app.command(hidden=True)
def demo(context: typer.Context, file: Annotated[str, typer.Argument(help="YAML file.")]) -> None:
    """Start Lepton, apply the file, follow it, and show what came of it."""
    _require_laptop(context, "demo")
    from lepton.cli.demo import demo as run

    run(file)


def main() -> None:
    """The entry point: runs the command and ends the process with its exit code."""
    sys.exit(guarded(lambda: typer.main.get_command(app)(prog_name="lepton")))

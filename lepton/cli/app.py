"""The `lepton` command: what can be typed, and nothing else. Each command hands over to the module that does it.

Those modules are imported inside the commands, so that `lepton --help` answers at once. Neither torch nor ray is
ever imported here.
"""
# ruff: noqa: PLC0415 - see above

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from lepton.cli.errors import USAGE, CommandError, guarded

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


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel=_RUN)
def up(
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
def down() -> None:
    """Stop Lepton on this machine. All state stays; `lepton up` carries on."""
    from lepton.cli import machine

    machine.down()


@app.command(rich_help_panel=_RUN)
def doctor() -> None:
    """Tell what is missing on this machine, and how to mend it."""
    from lepton.cli.doctor import run_doctor

    run_doctor()


@app.command(rich_help_panel=_MODELS)
def apply(
    file: Files,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the work until the model serves.")] = False,
) -> None:
    """Create or change models as the files say."""
    from lepton.cli.lifecycle import apply_files

    apply_files(file, wait=wait)


@app.command(rich_help_panel=_MODELS)
def get(
    name: Annotated[str | None, typer.Argument(help="Name of the model; all of them when left out.")] = None,
    output: Annotated[Literal["table", "wide", "yaml", "json"], typer.Option("--output", "-o")] = "table",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing what changes.")] = False,
) -> None:
    """List models, or show one."""
    from lepton.cli.lifecycle import get_models

    get_models(name, output, watch=watch)
    if output in ("table", "wide"):
        from lepton.cli.machine import warn_when_down

        warn_when_down()


@app.command(rich_help_panel=_MODELS)
def describe(name: Name) -> None:
    """Everything about one model: conditions, revisions, endpoint, and what to do next."""
    from lepton.cli.lifecycle import describe_model

    describe_model(name)


@app.command(rich_help_panel=_MODELS)
def delete(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of models.")] = None,
    file: Annotated[list[str] | None, typer.Option("--file", "-f", help="Delete the models of this file.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until nothing of them is left.")] = True,
) -> None:
    """Delete models with all that belongs to them: endpoint, jobs, artifacts."""
    from lepton.cli.lifecycle import delete_models

    if not names and not file:
        raise CommandError("give the name of a model, or a file with -f", USAGE)
    delete_models(names or [], file or [], wait=wait)


@app.command(rich_help_panel=_MODELS)
def validate(file: Files) -> None:
    """Check files without applying them; every mistake is told at once."""
    from lepton.cli.lifecycle import validate_files

    validate_files(file)


@app.command(rich_help_panel=_RESULTS)
def predict(
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
    from lepton.cli.predict.command import predict as ask

    ask(name, inputs, protocol, top_k, as_json=output == "json")


@app.command(rich_help_panel=_RESULTS)
def report(
    name: Name,
    revision: Annotated[int | None, typer.Option(min=1, help="Which revision; the serving one by default.")] = None,
    output: Annotated[Literal["table", "json", "html"], typer.Option("--output", "-o")] = "table",
    to: Annotated[Path | None, typer.Option("--to", help="File to write to.")] = None,
) -> None:
    """Show how good a revision is: accuracy, size, latency, every step of its compression."""
    from lepton.cli.reporting import report as show

    show(name, revision, output, to)


@app.command(rich_help_panel=_RESULTS)
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the jobs have ended.")] = False,
    revision: Annotated[int | None, typer.Option(min=1, help="Which revision; the newest by default.")] = None,
) -> None:
    """Print what the jobs of a revision printed."""
    from lepton.cli.logs import show_logs

    show_logs(name, revision, keep_on=follow)


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
def demo(file: Annotated[str, typer.Argument(help="YAML file.")]) -> None:
    """Start Lepton, apply the file, follow it, and show what came of it."""
    from lepton.cli.demo import demo as run

    run(file)


def main() -> None:
    """The entry point: runs the command and ends the process with its exit code."""
    sys.exit(guarded(lambda: typer.main.get_command(app)(prog_name="lepton")))

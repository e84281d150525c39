"""What starts, stops and examines Lepton itself, and what speaks of no model."""
# ruff: noqa: PLC0415 - see lepton.cli.app

from pathlib import Path
from typing import Annotated

import typer

from lepton.cli.commands.shared import at_place, require_laptop


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
    require_laptop(context, "up")
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


def down(context: typer.Context) -> None:
    """Stop Lepton on this machine. All state stays; `lepton up` carries on."""
    require_laptop(context, "down")
    from lepton.cli import machine

    machine.down()


def doctor(context: typer.Context) -> None:
    """Tell what is missing on this machine, or on the cluster, and how to mend it."""
    from lepton.cli.doctor import run_doctor

    at_place(context, run_doctor)


def demo(context: typer.Context, file: Annotated[str, typer.Argument(help="YAML file.")]) -> None:
    """Start Lepton, apply the file, follow it, and show what came of it."""
    require_laptop(context, "demo")
    from lepton.cli.demo import demo as run

    run(file)


def schema() -> None:
    """Print the JSON schema of a LeptonModel, for editors and programs."""
    from lepton.cli.console import as_json, write
    from lepton.spec.schema import editor_schema

    write(as_json(editor_schema()))


def version() -> None:
    """Print the version."""
    from lepton import __version__
    from lepton.cli.console import write

    write(f"lepton {__version__}\n")

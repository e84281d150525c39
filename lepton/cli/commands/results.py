"""What came of a model: its answers, its report, its logs."""
# ruff: noqa: PLC0415 - see lepton.cli.app

from pathlib import Path
from typing import Annotated, Literal

import typer

from lepton.cli.commands.shared import Name, at_place


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

    at_place(context, lambda place: ask(place, name, inputs, Wish(protocol, top_k, output == "json")))


def report(
    context: typer.Context,
    name: Name,
    revision: Annotated[int | None, typer.Option(min=1, help="Which revision; the serving one by default.")] = None,
    output: Annotated[Literal["table", "json", "html"], typer.Option("--output", "-o")] = "table",
    to: Annotated[Path | None, typer.Option("--to", help="File to write to.")] = None,
) -> None:
    """Show how good a revision is: accuracy, size, latency, every step of its compression."""
    from lepton.cli.reporting import report as show

    at_place(context, lambda place: show(place, name, revision, output, to))


def logs(
    context: typer.Context,
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the jobs have ended.")] = False,
    revision: Annotated[int | None, typer.Option(min=1, help="Which revision; the newest by default.")] = None,
) -> None:
    """Print what the jobs of a revision printed."""
    from lepton.cli.logs import show_logs

    at_place(context, lambda place: show_logs(place, name, revision, keep_on=follow))

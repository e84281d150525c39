"""What makes, changes, shows and deletes models."""
# ruff: noqa: PLC0415 - see lepton.cli.app

from typing import Annotated, Literal

import typer

from lepton.cli.commands.shared import Files, Name, Names, at_place
from lepton.cli.errors import USAGE, CommandError


def apply(
    context: typer.Context,
    file: Files,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the work until the model serves.")] = False,
) -> None:
    """Create or change models as the files say."""
    from lepton.cli.lifecycle import apply_files

    at_place(context, lambda place: apply_files(place, file, wait=wait))


def plan(context: typer.Context, file: Files) -> None:
    """Show what applying the files would change: stages, objects, time. Changes nothing."""
    from lepton.cli.planning import plan_files

    at_place(context, lambda place: plan_files(place, file))


def get(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of the model; all of them when left out.")] = None,
    output: Annotated[Literal["table", "wide", "yaml", "json"], typer.Option("--output", "-o")] = "table",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing what changes.")] = False,
) -> None:
    """List models, or show one."""
    from lepton.cli.reading import get_models

    at_place(context, lambda place: get_models(place, name, output, watch=watch))


def describe(context: typer.Context, name: Name) -> None:
    """Everything about one model: conditions, revisions, endpoint, and what to do next."""
    from lepton.cli.reading import describe_model

    at_place(context, lambda place: describe_model(place, name))


def wait(
    context: typer.Context,
    names: Names,
    timeout: Annotated[float | None, typer.Option(min=0, help="Give up after so many seconds.")] = None,
) -> None:
    """Follow models until they serve, or need a person."""
    from lepton.cli.lifecycle import wait_for

    at_place(context, lambda place: wait_for(place, names, timeout))


def retry(context: typer.Context, names: Names) -> None:
    """Try again what failed, once what was wrong outside of the file is mended."""
    from lepton.cli.lifecycle import retry_models

    at_place(context, lambda place: retry_models(place, names))


def suspend(context: typer.Context, names: Names) -> None:
    """Start nothing new for these models; what serves goes on."""
    from lepton.cli.lifecycle import set_suspended

    at_place(context, lambda place: set_suspended(place, names, suspend=True))


def resume(context: typer.Context, names: Names) -> None:
    """Let the work on suspended models go on."""
    from lepton.cli.lifecycle import set_suspended

    at_place(context, lambda place: set_suspended(place, names, suspend=False))


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
    at_place(context, lambda place: unpin(place, name) if undo else roll_back(place, name, to))


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
    at_place(context, lambda place: delete_models(place, names or [], file or [], wait=wait))


def validate(context: typer.Context, file: Files) -> None:
    """Check files without applying them; every mistake is told at once."""
    from lepton.cli.lifecycle import validate_files

    at_place(context, lambda place: validate_files(place, file))

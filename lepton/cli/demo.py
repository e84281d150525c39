"""The README's first command: from one file to a small, served, measured model, and what can be done with it next.

Starts Lepton, applies the file, follows it, and shows what came of it. Run again it finds all done and only shows.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from rich.table import Table
from rich.text import Text

from lepton.backends.local.home import Home
from lepton.cli import console, machine
from lepton.cli.files import read_models
from lepton.cli.lifecycle import apply_one
from lepton.cli.place import Place
from lepton.cli.predict.command import client_of
from lepton.cli.predict.inputs import from_bytes
from lepton.cli.predict.show import one_answer
from lepton.cli.results import Result, find_result, holdout
from lepton.cli.show import words
from lepton.cli.show.comparison import comparison_table
from lepton.cli.watch import follow
from lepton.cli.where import Where, open_place
from lepton.files import write_atomically
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Protocol

PROTOCOLS: tuple[tuple[Protocol, str], ...] = (("http", "HTTP"), ("grpc", "gRPC"))


def demo(file: str) -> None:
    """The whole show. Raises CommandError or LeptonError with what a person must mend."""
    began = time.monotonic()
    with open_place(Where()) as place:
        models = read_models([file], place)
        machine.up({})
        for model in models:
            console.note(apply_one(place, model))
        for model in follow(place, [model.metadata.name for model in models]):
            _show(place, model)
    console.note(f"done in {words.duration(time.monotonic() - began)}")


def _show(place: Place, model: LeptonModel) -> None:
    out = console.stdout()
    result = find_result(place, model, None)
    headline = f"{model.metadata.name}, revision {result.record.number}, serves"
    out.print(Text(f"\n{headline}", style="bold green"))
    if result.gate is not None:
        out.print(comparison_table(result.gate))
    image = _predictions(place, model, result)
    out.print(Text("Try next", style="bold"))
    commands = Table.grid(padding=(0, 2))
    for command, meaning in _next_commands(model.metadata.name, image):
        commands.add_row(Text(f"  {command}", no_wrap=True), Text(meaning, "dim"))
    out.print(commands)


def _predictions(place: Place, model: LeptonModel, result: Result) -> Path:
    """One held-out image over each protocol. Returns where it was put for the user's own tries."""
    member, content, truth = holdout(result)
    image = Home.default().root / "samples" / f"{model.metadata.name}{Path(member).suffix}"
    write_atomically(image, content)
    out = console.stdout()
    out.print(Text(f"A held-out image that the model has never seen, in truth {truth!r}", style="bold"))
    for protocol, name in PROTOCOLS:
        with client_of(place, model, protocol) as client:
            client.ask(from_bytes("", content))  # the connection's first request also opens it
            out.print(one_answer(client.ask(from_bytes(f"  over {name}", content)), 3))
    return image


def _next_commands(name: str, image: Path) -> list[tuple[str, str]]:
    lepton = "lepton" if shutil.which("lepton") else os.path.relpath(sys.argv[0])
    return [
        (f"{lepton} predict {name} {_short(image)}", "ask it again"),
        (f"{lepton} describe {name}", "its state, conditions and revisions"),
        (f"{lepton} report {name} -o html --to report.html", "curves, confusion matrix, every step"),
        (f"{lepton} logs {name}", "what the jobs printed"),
        (f"{lepton} down", "stop all of it; `up` carries on"),
    ]


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)

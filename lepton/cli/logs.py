"""What the jobs of a revision printed: build first, then gate. Where that is kept is the place's to know."""

import sys

from lepton.cli.errors import CommandError
from lepton.cli.place import Place, require, warn_when_idle
from lepton.cli.results import find_revision

_FINISHED = frozenset({"Passed", "Failed", "Superseded"})


def show_logs(place: Place, name: str, revision: int | None, *, keep_on: bool) -> None:
    """Print the logs of one revision, the newest by default; with `keep_on` until its jobs have ended.

    Raises LeptonError when there is no such revision, CommandError when it has not printed anything yet.
    """
    model = require(place, name)
    record = find_revision(model, revision)
    if keep_on:
        warn_when_idle(place)
    shown = False
    while True:
        finished = record.outcome in _FINISHED
        for text in place.output(model, record):
            shown = True
            sys.stdout.write(text)
            sys.stdout.flush()
        if finished or not keep_on:
            break
        place.pause()
        model = require(place, name)
        record = find_revision(model, record.number)
    if not shown:
        raise CommandError(
            f"revision {record.number} of {name} has not printed anything yet: `lepton logs {name} -f` waits"
        )

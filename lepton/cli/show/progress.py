"""Live progress of a revision: which stage it is in, how far, and how long it still takes. Pure, but for its own notes.

The watcher feeds it what the store says; time is an argument.
"""

from dataclasses import dataclass, field
from typing import get_args

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from lepton.cli.show import words
from lepton.cli.show.resource import cause_of
from lepton.spec.reasons import Phase
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Stage

STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass
class Progress:
    """What has been seen so far of one revision on its way."""

    began: dict[Stage, float] = field(default_factory=dict)
    """When each stage was first seen, in seconds."""
    said: dict[Stage, str] = field(default_factory=dict)
    """The last that each stage said."""
    revision: int | None = None
    last: float = 0.0
    spinner: Spinner = field(default_factory=lambda: Spinner("dots"))

    def take(self, model: LeptonModel, now: float) -> str | None:
        """Note where the model stands. Returns a line when there is something new to say, for plain output."""
        self.last = now
        candidate = model.status.candidate
        if candidate is None:
            return None
        if candidate.revision != self.revision:
            self.revision, self.began, self.said = candidate.revision, {}, {}
        self.began.setdefault(candidate.stage, now)
        if self.said.get(candidate.stage) == candidate.message:
            return None
        self.said[candidate.stage] = candidate.message
        left = "" if candidate.seconds_left is None else f", {words.duration(candidate.seconds_left)} left"
        return f"{candidate.stage}: {candidate.message}{left}"

    def seconds(self, stage: Stage) -> float:
        """How long the stage took, or has been at work."""
        later = [self.began[s] for s in STAGES[STAGES.index(stage) + 1 :] if s in self.began]
        return min(later, default=self.last) - self.began[stage]


def outcome(model: LeptonModel) -> bool | None:
    """Whether what was applied serves (True), needs a person (False), or is still on its way (None)."""
    if model.status.observed_generation < model.metadata.generation:
        return None
    if model.status.phase == Phase.SERVING and model.status.candidate is None:
        return True
    return False if model.status.phase in (Phase.FAILED, Phase.SUSPENDED) else None


def progress_view(model: LeptonModel, progress: Progress) -> RenderableType:
    """All stages, the current one with a bar, what it says and the time that is left."""
    candidate = model.status.candidate
    current = candidate.stage if candidate is not None else None
    table = Table.grid(padding=(0, 2))
    for stage in STAGES:
        if candidate is not None and stage == current:
            bar = ProgressBar(total=1.0, completed=candidate.progress, width=24)
            left = f"{words.duration(candidate.seconds_left)} left" if candidate.seconds_left is not None else ""
            table.add_row(progress.spinner, Text(stage, "bold"), bar, Text(candidate.message), Text(left, "cyan"))
        elif stage in progress.began:
            took = words.duration(progress.seconds(stage))
            table.add_row(Text("✓", "green"), stage, Text(took, "dim"), Text(progress.said.get(stage, ""), "dim"))
        elif _is_past(stage, current):
            table.add_row(Text("✓", "green"), stage, Text("done before", "dim"))
        else:
            table.add_row(" ", Text(stage, "dim"))
    title = model.metadata.name + (f", revision {progress.revision}" if progress.revision is not None else "")
    cause = cause_of(model)
    parts: list[RenderableType] = [Text(title, "bold"), table]
    if cause is not None:
        parts.append(Text(f"{cause.reason.value}: {cause.message}", "yellow"))
    return Group(*parts)


def _is_past(stage: Stage, current: Stage | None) -> bool:
    return current is not None and STAGES.index(stage) < STAGES.index(current)

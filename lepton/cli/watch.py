"""Follows models until they serve or need a person: live on a terminal, line by line elsewhere. Changes nothing."""

import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live

from lepton.cli.console import stderr
from lepton.cli.errors import CommandError
from lepton.cli.place import Place, require
from lepton.cli.show import words
from lepton.cli.show.progress import Progress, outcome, progress_view
from lepton.cli.show.resource import cause_of, message_of
from lepton.spec.resource import LeptonModel

_ALIVE_EVERY_S = 5.0


def follow(place: Place, names: Sequence[str], timeout_s: float | None = None) -> list[LeptonModel]:
    """Show progress on stderr until every model serves. Raises CommandError when one of them needs a person.

    Raises CommandError too when Lepton stops meanwhile, as then nothing would ever come, and when the time is up.
    """
    console = stderr()
    watcher = _Watcher(place, names, timeout_s)
    if console.is_terminal:
        _follow_live(watcher, console)
    else:
        _follow_lines(watcher, console)
    return watcher.result()


class _Watcher:
    """What is known of the models on their way."""

    def __init__(self, place: Place, names: Sequence[str], timeout_s: float | None) -> None:
        self.place = place
        self.progress = {name: Progress() for name in names}
        self.models: dict[str, LeptonModel] = {}
        self._checked = time.monotonic()
        self._timeout_s = timeout_s
        self._deadline = None if timeout_s is None else self._checked + timeout_s

    def look(self) -> list[str]:
        """Read the models once. Returns the lines that are new."""
        now = time.monotonic()
        if now - self._checked > _ALIVE_EVERY_S:
            self._checked = now
            why = self.place.idle()
            if why is not None:
                raise CommandError(why)
        lines = []
        for name, progress in self.progress.items():
            self.models[name] = require(self.place, name)
            line = progress.take(self.models[name], now)
            if line is not None:
                lines.append(f"{name}: {line}" if len(self.progress) > 1 else line)
        if self._deadline is not None and now > self._deadline and self.pending:
            raise CommandError("\n".join(self._late()))
        return lines

    @property
    def pending(self) -> bool:
        """Whether any model is still on its way."""
        return any(outcome(model) is None for model in self.models.values())

    def _late(self) -> list[str]:
        late = [model for model in self.models.values() if outcome(model) is None]
        return [
            f"{model.metadata.name} does not serve after {words.duration(self._timeout_s or 0)} "
            f"({model.status.phase.value}): {message_of(model)}"
            for model in late
        ]

    def view(self) -> Group:
        """All models as they stand."""
        return Group(*(progress_view(self.models[name], progress) for name, progress in self.progress.items()))

    def result(self) -> list[LeptonModel]:
        """The models; CommandError with the cause when one of them does not serve."""
        broken = [model for model in self.models.values() if outcome(model) is False]
        if broken:
            raise CommandError("\n".join(_why(model) for model in broken))
        return list(self.models.values())


def _follow_live(watcher: _Watcher, console: Console) -> None:
    watcher.look()
    with Live(watcher.view(), console=console, refresh_per_second=10) as live:
        while watcher.pending:
            watcher.place.pause()
            watcher.look()
            live.update(watcher.view())


def _follow_lines(watcher: _Watcher, console: Console) -> None:
    while True:
        for line in watcher.look():
            console.print(line, markup=False)
        if not watcher.pending:
            return
        watcher.place.pause()


def _why(model: LeptonModel) -> str:
    cause = cause_of(model)
    if cause is None:
        return f"{model.metadata.name} is {model.status.phase.value}"
    return f"{model.metadata.name}: {cause.reason.value}: {cause.message}"

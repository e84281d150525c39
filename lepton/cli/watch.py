"""Follows models until they serve or need a person: live on a terminal, line by line elsewhere. Changes nothing."""

import time

from rich.console import Console, Group
from rich.live import Live

from lepton.cli.console import stderr
from lepton.cli.errors import CommandError
from lepton.cli.machine import is_up, open_store, require
from lepton.cli.show.progress import Progress, outcome, progress_view
from lepton.cli.show.resource import cause_of
from lepton.spec.resource import LeptonModel

_POLL_S = 0.25
_ALIVE_EVERY_S = 5.0


def follow(names: list[str]) -> list[LeptonModel]:
    """Show progress on stderr until every model serves. Raises CommandError when one of them needs a person.

    Raises CommandError too when Lepton stops meanwhile: then nothing would ever come.
    """
    console = stderr()
    watcher = _Watcher(names)
    if console.is_terminal:
        _follow_live(watcher, console)
    else:
        _follow_lines(watcher, console)
    return watcher.result()


class _Watcher:
    """What is known of the models on their way."""

    def __init__(self, names: list[str]) -> None:
        self.progress = {name: Progress() for name in names}
        self.models: dict[str, LeptonModel] = {}
        self._checked = time.monotonic()

    def look(self) -> list[str]:
        """Read the store once. Returns the lines that are new."""
        now = time.monotonic()
        if now - self._checked > _ALIVE_EVERY_S:
            self._checked = now
            if not is_up():
                raise CommandError("Lepton stopped: `lepton up` carries on where it was")
        lines = []
        with open_store() as store:
            for name, progress in self.progress.items():
                self.models[name] = require(store, name)
                line = progress.take(self.models[name], now)
                if line is not None:
                    lines.append(f"{name}: {line}" if len(self.progress) > 1 else line)
        return lines

    @property
    def pending(self) -> bool:
        """Whether any model is still on its way."""
        return any(outcome(model) is None for model in self.models.values())

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
            time.sleep(_POLL_S)
            watcher.look()
            live.update(watcher.view())


def _follow_lines(watcher: _Watcher, console: Console) -> None:
    while True:
        for line in watcher.look():
            console.print(line, markup=False)
        if not watcher.pending:
            return
        time.sleep(_POLL_S)


def _why(model: LeptonModel) -> str:
    cause = cause_of(model)
    if cause is None:
        return f"{model.metadata.name} is {model.status.phase.value}"
    return f"{model.metadata.name}: {cause.reason.value}: {cause.message}"

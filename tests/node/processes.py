"""Processes of the tests: each with a log in one folder, and ended by its pid."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


class Processes:
    """Ends what it started, the last first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Start a process under a name."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, env=environment, start_new_session=True
            )

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self._folder / f"{name}.log"

    def check(self) -> None:
        """RuntimeError, with its last lines, when one has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                said = self.log(name).read_text(errors="replace")
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{said[-3000:]}")

    def end(self, name: str) -> None:
        """Kill one."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end_all(self) -> None:
        """Kill all."""
        for name in reversed(list(self._running)):
            self.end(name)

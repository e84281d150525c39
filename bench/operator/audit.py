"""Counts what a runtime wrote, from the API server's audit log, line by line: the log of many models is large."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOT_WRITES = ("get", "list", "watch")


@dataclass
class Writes:
    """What was written since the last look. Leases are not counted."""

    path: Path
    user: str
    at: int = 0
    """How far the log is read."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How often, by verb and resource."""
    made: int = 0
    """Objects created or deleted."""
    status: Counter[str] = field(default_factory=Counter)
    """Writes of a status, by model."""

    def read(self) -> int:
        """Go on to the end of the log. Returns how many writes came."""
        before = self.total
        with self.path.open("rb") as log:
            log.seek(self.at)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self.at += len(line)
                self._count(json.loads(line))
        return self.total - before

    @property
    def total(self) -> int:
        """All writes."""
        return sum(self.kinds.values())

    def _count(self, event: dict[str, Any]) -> None:
        target = event.get("objectRef", {})
        mine = event["user"]["username"] == self.user and event["verb"] not in NOT_WRITES
        if not mine or target.get("resource") == "leases" or event["responseStatus"]["code"] >= 400:
            return
        resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
        self.kinds[f"{event['verb']} {resource}"] += 1
        if resource == "leptonmodels/status":
            self.status[target["name"]] += 1
        elif event["verb"] in ("create", "delete") or event["responseStatus"]["code"] == 201:
            self.made += 1

"""What the two runtimes that Lepton's is held against have in common: the same decisions on another frame.

They call the same reconcile with the same backend and cache, and tell in a file how far they are.
"""

import asyncio
import json
import os
import time
from pathlib import Path

import yaml

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key
from lepton.reconcile import reconcile
from operators.lepton_operator.cpu import Metered


class Passes:
    """Makes passes, counts them, and says so in the file that LEPTON_BENCH_STATS names."""

    def __init__(self, client: Client, cache: Cache) -> None:
        settings = Settings.model_validate(yaml.safe_load(Path(os.environ["LEPTON_SETTINGS"]).read_text()))
        self._backend = KubernetesBackend(client, cache, settings)
        self._cpu_s: list[float] = []
        self._seen: set[Key] = set()

    async def make(self, key: Key) -> float | None:
        """One pass; the seconds after which another is due, None for on a change."""
        metered = Metered(reconcile(key, self._backend, time.time))
        try:
            return await metered
        except ApiError:
            return 1.0
        finally:
            self._seen.add(key)
            self._cpu_s.append(metered.cpu_s)

    async def tell(self) -> None:
        """Go on until cancelled."""
        path = Path(os.environ["LEPTON_BENCH_STATS"])
        while True:
            told = {
                "passes": len(self._cpu_s),
                "seen": len(self._seen),
                "cpu_s": sorted(self._cpu_s)[:: max(1, len(self._cpu_s) // 1000)],
            }
            path.with_suffix(".new").write_text(json.dumps(told))
            path.with_suffix(".new").replace(path)
            await asyncio.sleep(0.25)

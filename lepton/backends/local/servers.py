"""Keeps Ray and Triton up: starts them, adopts those that still run, starts them again when they end, heals models.

The control loop runs `keep` of each as a task; the two start side by side.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from lepton.backends.backoff import pause_s
from lepton.backends.local.metrics import Metrics
from lepton.backends.local.models import Models
from lepton.backends.local.processes import Supervised
from lepton.backends.local.ray import Ray
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason

log = logging.getLogger("lepton.servers")

_START_TIMEOUT_S = {"ray": 60.0, "triton": 30.0}
_STARTING_POLL_S = 0.05
_UP_POLL_S = 0.5
_LONGEST_PAUSE_S = 30.0
_PROBE_S = 60.0
_PROBE_MISSING_S = 3.0


class Server(Protocol):
    """A process with a service in it."""

    process: Supervised

    def start(self) -> object:
        """Start it, in place of what is left of an earlier one. Raises LeptonError."""

    def is_adoptable(self) -> bool:
        """Whether the process that runs, if any, is as the settings want it."""

    def is_ready(self) -> bool:
        """Whether it takes work."""


class _StartError(LeptonError):
    """It was started, and did not become ready."""


class Keeper:
    """Supervises one server. `state` is `starting`, `ready`, or what is wrong."""

    def __init__(self, name: str, server: Server, metrics: Metrics, changed: Callable[[], None]) -> None:
        self.name = name
        self.state = "starting"
        self.trouble: LeptonError | None = None
        self._server = server
        self._metrics = metrics
        self._changed = changed

    async def keep(self) -> None:
        """Run until cancelled."""
        failures = 0
        while True:
            try:
                await self._bring_up()
                failures = 0
                await self._while_up()
                log.warning("%s has ended; it is started again", self.name)
                self._set("starting", None)
            except LeptonError as error:
                log.warning("%s: %s", self.name, error.message)
                failures += 1
                # on a machine that is very busy a start may fail once for no reason that anybody could mend
                if failures > 1 or not isinstance(error, _StartError):
                    self._set(error.message, error)
            except Exception as error:  # a defect must not leave a server that nobody starts again
                log.exception("a defect while keeping %s up", self.name)
                self._set(f"{type(error).__name__}: {error}", None)
                failures += 1
            if failures:
                await asyncio.sleep(pause_s(failures, 1.0, _LONGEST_PAUSE_S))

    async def _bring_up(self) -> None:
        server, began = self._server, time.monotonic()
        if not server.is_adoptable():
            await asyncio.to_thread(server.start)
            self._metrics.server_starts.labels(self.name).inc()
        while not await asyncio.to_thread(server.is_ready):
            if server.process.alive() is None:
                raise self._failed("ended while it started")
            if time.monotonic() - began > _START_TIMEOUT_S[self.name]:
                tail = self._failed(f"was not ready after {_START_TIMEOUT_S[self.name]:.0f} s")
                await asyncio.to_thread(server.process.kill)
                raise tail
            await asyncio.sleep(_STARTING_POLL_S)
        await self.greet()
        self._set("ready", None)
        log.info("%s is ready after %.1f s", self.name, time.monotonic() - began)

    async def greet(self) -> None:
        """What is to be done once the server takes work."""

    async def watch(self) -> None:
        """What is to be done every half second while it does."""

    async def _while_up(self) -> None:
        while self._server.process.alive() is not None:
            await asyncio.sleep(_UP_POLL_S)
            await self.watch()

    def _set(self, state: str, trouble: LeptonError | None) -> None:
        self._metrics.server_up.labels(self.name).set(state == "ready")
        self.state, self.trouble = state, trouble
        self._changed()

    def _failed(self, how: str) -> _StartError:
        process = self._server.process
        message = f"{self.name} {how}; the end of {process.log}:\n{process.log_tail()}"
        return _StartError(Reason.SERVER_UNAVAILABLE, message)


class RayKeeper(Keeper):
    """Also gets the client ready, so that the first job does not wait for it."""

    def __init__(self, ray: Ray, metrics: Metrics, changed: Callable[[], None]) -> None:
        super().__init__("ray", ray, metrics, changed)
        self._ray = ray

    async def greet(self) -> None:
        """Import the client beside everything else."""
        asyncio.get_running_loop().run_in_executor(None, self._ray.connect)


class TritonKeeper(Keeper):
    """Also brings a fresh server to what was loaded, and heals models whose stub has died."""

    def __init__(self, triton: Triton, models: Models, metrics: Metrics, changed: Callable[[], None]) -> None:
        super().__init__("triton", triton, metrics, changed)
        self._triton = triton
        self._models = models
        self._stubs: frozenset[int] = frozenset()
        self._probed = 0.0

    async def greet(self) -> None:
        """Load again what the records say."""
        for name, error in (await asyncio.to_thread(self._models.restore)).items():
            log.warning("%s can't be loaded again: %s", name, error.message)
        self._probed = 0.0

    async def watch(self) -> None:
        """Probe with real inference: at once when a stub vanished, soon when one is missing, and every minute."""
        stubs = await asyncio.to_thread(self._triton.stubs)
        vanished, self._stubs = self._stubs - stubs, stubs
        missing = len(stubs) < sum(served.instances for served in self._models.records().values())
        if not vanished and time.monotonic() - self._probed < (_PROBE_MISSING_S if missing else _PROBE_S):
            return
        self._probed = time.monotonic()
        try:
            healed = await asyncio.to_thread(self._models.heal)
        except LeptonError as error:
            log.warning("a model that does not answer can't be loaded again: %s", error.message)
            self._probed = 0.0
            return
        for name in healed:
            log.warning("%s did not answer and was loaded again", name)
            self._metrics.model_heals.inc()
        if healed:
            self._changed()

"""This machine as a Place: its home, its store, and whether Lepton runs. The only way to them; also `up` and `down`."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from lepton.backends.local import service
from lepton.backends.local.home import Home, Settings
from lepton.backends.local.states import NOT_DELETED
from lepton.backends.local.store import Conflict, Store, key_of
from lepton.cli.console import note, stderr
from lepton.cli.errors import USAGE, CommandError
from lepton.cli.files import missing_data, with_absolute_paths
from lepton.cli.place import Asker, Finding
from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.plan.preview import Preview
from lepton.plan.types import Desired, EndpointState, JobState, Key, Observed, Ref
from lepton.spec import status
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.resource import RETRIED_AT, LeptonModel, Spec
from lepton.urls import unusable

NAMESPACE = "default"
_POLL_S = 0.25
_DOWN = "Lepton is not running, so nothing changes and nothing answers: `lepton up` starts it"


class Machine:
    """See lepton.cli.place.Place."""

    namespace = NAMESPACE
    elsewhere = ", the only one on a laptop"
    start_hint = "`lepton up` starts Lepton"

    def __init__(self, namespace: str | None = None) -> None:
        if namespace not in (None, NAMESPACE):
            message = f"--namespace: given {namespace!r}; on a laptop there is only {NAMESPACE}: name a cluster with"
            raise CommandError(f"{message} --context", USAGE)
        self._shown: dict[Path, int] = {}

    def close(self) -> None:
        """See Place."""
        if "_store" in self.__dict__:
            self._store.close()

    def models(self) -> list[LeptonModel]:
        """See Place."""
        return self._store.models()

    def get(self, name: str) -> LeptonModel | None:
        """See Place."""
        return self._store.get(Key(NAMESPACE, name))

    def adapted(self, model: LeptonModel) -> LeptonModel:
        """See Place."""
        return with_absolute_paths(model)

    def doubts(self, model: LeptonModel) -> list[str]:
        """See Place."""
        missing = missing_data(model)
        return [] if missing is None else [missing]

    def apply(self, model: LeptonModel) -> LeptonModel:
        """See Place. The mark of when another try was last asked for stays: a file does not hold it."""
        before = self._store.get(key_of(model))
        asked = None if before is None else before.metadata.annotations.get(RETRIED_AT)
        return self._write(model if asked is None else _with_retry(model, asked))

    def change(self, name: str, fields: Mapping[str, JsonValue]) -> None:
        """See Place."""
        model = self._read(name)
        spec = Spec.model_validate({**model.spec.model_dump(by_alias=True), **fields})
        self._write(model.model_copy(update={"spec": spec}))

    def retry(self, name: str) -> None:
        """See Place."""
        self._write(_with_retry(self._read(name), datetime.now(UTC).isoformat()))

    def delete(self, name: str) -> None:
        """See Place."""
        self._store.delete(Key(NAMESPACE, name))

    def remnants(self, model: LeptonModel) -> list[str]:
        """See Place: here nobody keeps a list, and it takes seconds."""
        return []

    def refusal(self, model: LeptonModel) -> str | None:
        """See Place."""
        ready = next((one for one in model.status.conditions if one.type == ConditionType.READY), None)
        if ready is None or not ready.message.startswith(NOT_DELETED):
            return None
        return f"{model.metadata.name}: {ready.reason.value}: {ready.message}"

    def pause(self) -> None:
        """See Place."""
        time.sleep(_POLL_S)

    def idle(self) -> str | None:
        """See Place."""
        return None if is_up() else _DOWN

    def output(self, model: LeptonModel, record: status.RevisionRecord) -> Iterator[str]:
        """See Place: the build's log, then those of the gate jobs that proved this revision."""
        jobs = Home.default().jobs
        gates = [
            directory.path
            for directory, order in _orders(model.metadata.name)
            if order.kind == "gate" and order.revision == record.number
        ]
        folders = [jobs / record.name, *sorted(gates, key=lambda path: path.stat().st_mtime)]
        for log in (JobDirectory(path).log for path in folders):
            if log.is_file():
                yield self._added(log)

    def unreadable(self, url: str) -> str | None:
        """See Place."""
        return None

    def connect(self, model: LeptonModel, protocol: status.Protocol) -> AbstractContextManager[Asker]:
        """See Place."""
        assert model.status.endpoint is not None  # noqa: S101 - the caller saw to it
        from lepton.endpoint import Connection  # noqa: PLC0415 - brings numpy

        return Connection(model.status.endpoint, protocol)

    def observe(self, model: LeptonModel) -> Observed:
        """See Place: from the folders that the control loop keeps, without a question to Ray or Triton."""
        from lepton.backends.local.models import Models  # noqa: PLC0415 - brings numpy
        from lepton.backends.local.triton import Triton  # noqa: PLC0415

        home, name = Home.default(), model.metadata.name
        jobs = {order.name: _state(directory, order) for directory, order in _orders(name)}
        served = [one for one in Models(home, Triton(home, Settings())).records().values() if one.model == name]
        states = {one.name: EndpointState(ready=True, digest=one.digest) for one in served}
        owned = {Ref("Job", job) for job in jobs} | {Ref(one.kind, one.name) for one in served}
        return Observed(
            model=model,
            jobs=jobs,
            endpoints={end: state for end, state in states.items() if end != name},
            traffic=states.get(name),
            address=model.status.endpoint,
            owned=frozenset(owned),
        )

    def objects(self, desired: Desired) -> list[str]:
        """See Place."""
        return [f"{desired.ref.kind.lower()} {desired.ref.name}"]

    def vanishing(self, model: LeptonModel, found: Preview) -> list[str]:
        """See Place."""
        return [f"{ref.kind.lower()} {ref.name}" for ref in sorted(found.goes)]

    def findings(self) -> list[Finding]:
        """See Place."""
        from lepton.cli.doctor import examine  # noqa: PLC0415 - only this verb needs it

        return examine(Home.default(), running=_seems_up())

    @cached_property
    def _store(self) -> Store:
        """The store, created where there is none. Raises LeptonError."""
        return Store(_home().database)

    def _read(self, name: str) -> LeptonModel:
        model = self.get(name)
        if model is None:
            raise CommandError(f"{name} is gone")
        return model

    def _write(self, model: LeptonModel) -> LeptonModel:
        try:
            return self._store.apply(model)
        except Conflict as error:
            raise CommandError(str(error)) from error

    def _added(self, log: Path) -> str:
        """What was added to a log since it was last shown; one that got shorter was begun anew."""
        with log.open("rb") as file:
            position = self._shown.get(log, 0)
            file.seek(0 if log.stat().st_size < position else position)
            text = file.read().decode(errors="replace")
            self._shown[log] = file.tell()
        return text


def is_up() -> bool:
    """Whether Lepton runs on this machine."""
    return service.is_up(Home.default())


def up(given: Mapping[str, int | str | None]) -> None:
    """Start Lepton with the settings given; what is None stays as it was. Raises LeptonError or CommandError."""
    _require_usable(given.get("artifacts"))
    store = Store(_home().database)
    try:
        before = store.settings()
    finally:
        store.close()
    changes = {name: value for name, value in given.items() if value is not None}
    settings = Settings.model_validate({**before.model_dump(), **changes})
    console = stderr()
    if console.is_terminal:
        with console.status("starting") as shown:
            service.up(Home.default(), settings, shown.update)
    else:
        service.up(Home.default(), settings, _each_once())
    note(f"Lepton runs: HTTP http://127.0.0.1:{settings.http_port}, gRPC 127.0.0.1:{settings.grpc_port}")


def down() -> None:
    """Stop Lepton; that it was not running is no failure."""
    service.down(Home.default())
    note("Lepton is stopped; everything is kept")


def _home() -> Home:
    home = Home.default()
    try:
        return home.make()
    except LeptonError as error:
        if error.reason is not Reason.STORE_UNWRITABLE:
            raise
        why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error.message
        message = f"can't write {home.root} ({why}): make it writable, or set LEPTON_HOME to another folder"
        raise LeptonError(error.reason, message) from error


def _seems_up() -> bool:
    """Whether Lepton runs; a home that can't even be looked into is told by a check of its own."""
    try:
        return is_up()
    except OSError:
        return False


def _with_retry(model: LeptonModel, asked: str) -> LeptonModel:
    annotations = {**model.metadata.annotations, RETRIED_AT: asked}
    return model.model_copy(update={"metadata": model.metadata.model_copy(update={"annotations": annotations})})


def _orders(model: str) -> Iterator[tuple[JobDirectory, JobOrder]]:
    """The jobs of a model, each with its folder."""
    for path in Home.default().jobs.glob(f"{model}-*"):
        order = JobDirectory(path).order()
        if order is not None and order.model == model:
            yield JobDirectory(path), order


def _state(directory: JobDirectory, order: JobOrder) -> JobState:
    summary, failure = directory.summary(), directory.failure()
    phase = "Succeeded" if summary is not None else "Failed" if failure is not None else "Running"
    return JobState(phase, order.attempt, directory.progress(), summary, failure)  # type: ignore[arg-type]


def _require_usable(artifacts: int | str | None) -> None:
    """Refuse a place whose driver no build could find, before anything is started or remembered."""
    problem = unusable(artifacts) if isinstance(artifacts, str) and "://" in artifacts else None
    if problem is not None:
        raise CommandError(f"--artifacts: {problem}", USAGE)


def _each_once() -> Callable[[str], None]:
    """Notes every line that differs from the one before."""
    last: list[str] = []

    def say(line: str) -> None:
        if last != [line]:
            last[:] = [line]
            note(line)

    return say

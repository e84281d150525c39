"""What the command needs of this machine: the home, the store, and whether Lepton runs. The only way to them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lepton.backends.local import service
from lepton.backends.local.home import Home, Settings
from lepton.backends.local.store import Store
from lepton.cli.console import note, stderr
from lepton.cli.errors import USAGE, CommandError
from lepton.errors import LeptonError
from lepton.plan.types import Key
from lepton.spec.reasons import Reason
from lepton.spec.resource import LeptonModel
from lepton.urls import unusable

NAMESPACE = "default"


@contextmanager
def open_store() -> Iterator[Store]:
    """The store of this machine, created where there is none. Raises LeptonError."""
    store = Store(_home().database)
    try:
        yield store
    finally:
        store.close()


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


def require(store: Store, name: str) -> LeptonModel:
    """The model of this name. Raises CommandError naming those that there are."""
    model = store.get(Key(NAMESPACE, name))
    if model is None:
        known = ", ".join(model.metadata.name for model in store.models())
        hint = f"there is: {known}" if known else "none has been applied yet: `lepton apply -f FILE`"
        raise CommandError(f"there is no model named {name!r}; {hint}")
    return model


def is_up() -> bool:
    """Whether Lepton runs on this machine."""
    return service.is_up(Home.default())


def require_up() -> None:
    """Raise CommandError while Lepton is stopped."""
    if not is_up():
        raise CommandError("Lepton is not running: `lepton up` starts it")


def warn_when_down() -> None:
    """Say on stderr that nothing moves while Lepton is stopped."""
    if not is_up():
        note("Lepton is not running, so nothing changes and nothing answers: `lepton up` starts it")


def up(given: Mapping[str, int | str | None]) -> None:
    """Start Lepton with the settings given; what is None stays as it was. Raises LeptonError or CommandError."""
    _require_usable(given.get("artifacts"))
    with open_store() as store:
        before = store.settings()
    changes = {name: value for name, value in given.items() if value is not None}
    settings = Settings.model_validate({**before.model_dump(), **changes})
    console = stderr()
    if console.is_terminal:
        with console.status("starting") as status:
            service.up(Home.default(), settings, status.update)
    else:
        service.up(Home.default(), settings, _each_once())
    note(f"Lepton runs: HTTP http://127.0.0.1:{settings.http_port}, gRPC 127.0.0.1:{settings.grpc_port}")


def _require_usable(artifacts: int | str | None) -> None:
    """Refuse a place whose driver no build could find, before anything is started or remembered."""
    problem = unusable(artifacts) if isinstance(artifacts, str) and "://" in artifacts else None
    if problem is not None:
        raise CommandError(f"--artifacts: {problem}", USAGE)


def down() -> None:
    """Stop Lepton; that it was not running is no failure."""
    service.down(Home.default())
    note("Lepton is stopped; everything is kept")


def _each_once() -> Callable[[str], None]:
    """Notes every line that differs from the one before."""
    last: list[str] = []

    def say(line: str) -> None:
        if last != [line]:
            last[:] = [line]
            note(line)

    return say

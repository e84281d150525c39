"""The store: what the API server is on a cluster."""

import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lepton.backends.local.home import Settings
from lepton.backends.local.store import Conflict, Store
from lepton.errors import LeptonError
from lepton.plan.types import Key
from lepton.spec.reasons import Phase, Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Status

KEY = Key("default", "pets")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "lepton.db")
    yield made
    made.close()


def pets(epochs: int = 1, labels: dict[str, str] | None = None, version: int = 0) -> LeptonModel:
    return LeptonModel.model_validate(
        {
            "apiVersion": "leptonml.dev/v1alpha1",
            "kind": "LeptonModel",
            "metadata": {"name": "pets", "labels": labels or {}, "resourceVersion": version},
            "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}, "train": {"epochs": epochs}},
        }
    )


def counts(model: LeptonModel) -> tuple[int, int]:
    return model.metadata.generation, model.metadata.resource_version


def test_the_generation_counts_changes_of_the_spec_and_the_version_every_write(store: Store) -> None:
    first = store.apply(pets())
    assert counts(first) == (1, 1)
    assert first.metadata.uid
    assert store.apply(pets()) == first
    assert counts(store.apply(pets(labels={"team": "a"}))) == (1, 2)
    assert counts(store.apply(pets(epochs=2, labels={"team": "a"}))) == (2, 3)
    assert counts(store.write_status(KEY, Status(phase=Phase.TRAINING), 3)) == (2, 4)
    assert store.get(KEY) == store.models()[0]
    assert store.versions() == {KEY: 4}


def test_the_status_that_a_user_applies_is_ignored_and_the_stored_one_kept(store: Store) -> None:
    store.apply(pets().model_copy(update={"status": Status(phase=Phase.SERVING)}))
    assert store.models()[0].status == Status()
    store.write_status(KEY, Status(phase=Phase.TRAINING), 1)
    assert store.apply(pets(epochs=2)).status == Status(phase=Phase.TRAINING)


STALE: dict[str, Callable[[Store], object]] = {
    "a spec that rests on an old version is refused": lambda store: store.apply(pets(epochs=9, version=1)),
    "a status that rests on an old version is refused": lambda store: store.write_status(KEY, Status(), 1),
}


@pytest.mark.parametrize("write", STALE.values(), ids=STALE.keys())
def test_stale_writes(store: Store, write: Callable[[Store], object]) -> None:
    store.apply(pets())
    before = store.apply(pets(epochs=2, version=1))
    with pytest.raises(Conflict):
        write(store)
    assert store.get(KEY) == before


def test_a_resource_stays_while_it_is_being_deleted_and_is_a_new_one_when_applied_again(store: Store) -> None:
    first = store.apply(pets())
    assert store.delete(KEY)
    marked = store.get(KEY)
    assert marked is not None
    assert marked.metadata.deletion_timestamp is not None
    assert store.delete(KEY)
    assert store.get(KEY) == marked
    with pytest.raises(Conflict, match="being deleted"):
        store.apply(pets(epochs=2))
    store.forget(KEY)
    assert (store.get(KEY), store.delete(KEY)) == (None, False)
    again = store.apply(pets())
    assert again.metadata.uid != first.metadata.uid
    assert again.metadata.resource_version > marked.metadata.resource_version


def test_a_write_by_another_process_changes_the_version_and_an_own_one_does_not(store: Store, tmp_path: Path) -> None:
    before = store.version()
    store.apply(pets())
    assert store.version() == before
    other = Store(tmp_path / "lepton.db")
    other.apply(pets(epochs=2))
    other.close()
    assert store.version() != before


def test_settings_are_what_was_last_told(store: Store, tmp_path: Path) -> None:
    assert store.settings() == Settings()
    store.save_settings(Settings(http_port=9000, artifacts="s3://bucket/x"))
    other = Store(tmp_path / "lepton.db")
    assert other.settings() == Settings(http_port=9000, artifacts="s3://bucket/x")
    other.close()


def _count_up(path: Path, times: int) -> None:
    store = Store(path)
    for number in range(times):
        store.apply(pets(labels={"pid": str(os.getpid()), "number": str(number)}))


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lepton.db"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_count_up, args=(path, 10)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = Store(path)
    assert store.versions() == {KEY: 30}
    store.close()


_WRITE_FOR_EVER = """
import sys
from pathlib import Path
from lepton.backends.local.store import Store
from tests.unit.local.test_store import pets
store = Store(Path(sys.argv[1]))
epochs = 0
while True:
    epochs += 1
    store.apply(pets(epochs=epochs))
    print(epochs, flush=True)
"""


def test_what_was_written_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "lepton.db"
    command = [sys.executable, "-c", _WRITE_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)][-1]
        writer.send_signal(signal.SIGKILL)
        told = max([told, *map(int, writer.stdout.read().split())])
    store = Store(path)
    written = store.get(KEY)
    assert written is not None
    assert written.spec.train.epochs in (told, told + 1)
    assert counts(store.apply(pets(epochs=told + 2)))[0] == counts(written)[0] + 1
    store.close()


def test_a_full_disk_refuses_the_write_by_its_reason_and_loses_nothing(store: Store) -> None:
    before = store.apply(pets())
    connection = store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LeptonError) as error:
        store.apply(pets(labels={"big": "x" * 100_000}))
    assert error.value.reason is Reason.DISK_FULL
    assert store.get(KEY) == before
    connection.execute("PRAGMA max_page_count = 1000000")
    assert store.apply(pets(labels={"big": "x" * 100_000})).metadata.resource_version == 2


def test_a_file_that_must_not_grow_is_told_as_what_it_is(tmp_path: Path) -> None:
    """A write that the system refuses in the middle, as a broken or read-only disk does."""
    path = tmp_path / "lepton.db"
    Store(path).close()

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        with pytest.raises(LeptonError) as error:
            store = Store(path)
            store.apply(pets())
        os._exit(0 if error.value.reason in (Reason.STORE_UNWRITABLE, Reason.DISK_FULL) else 1)

    child = multiprocessing.get_context("fork").Process(target=limited)
    child.start()
    child.join()
    assert child.exitcode == 0
    store = Store(path)
    assert store.models() == []
    store.close()


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "a folder in its place": lambda path: path.mkdir(),
    "no database": lambda path: path.write_text("these are not the bytes of a database " * 99),
}


@pytest.mark.parametrize("spoil", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_cant_be_opened_is_named(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = tmp_path / "lepton.db"
    spoil(path)
    with pytest.raises(LeptonError, match=r"lepton\.db") as error:
        Store(path)
    assert error.value.reason is Reason.STORE_UNWRITABLE


def test_a_store_of_a_later_lepton_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lepton.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LeptonError, match="schema version 99") as error:
        Store(path)
    assert error.value.reason is Reason.STORE_UNWRITABLE


FOREIGN = {
    '{"task": "telepathy"}': "spec.task: Input should be 'image-classification'",
    '{"model": {"width": 4, "module": "a:b"}}': (
        "spec.model: module excludes architecture, depth and width: put its arguments in parameters"
    ),
}


@pytest.mark.parametrize("change", FOREIGN)
def test_a_row_of_another_version_of_lepton_is_told_in_a_sentence(store: Store, tmp_path: Path, change: str) -> None:
    store.apply(pets())
    with sqlite3.connect(tmp_path / "lepton.db") as connection:
        connection.execute("UPDATE models SET spec = json_patch(spec, ?)", (change,))
    with pytest.raises(LeptonError) as told:
        store.get(KEY)
    assert (told.value.reason, told.value.message) == (
        Reason.STORE_UNWRITABLE,
        f"a stored model can't be read ({FOREIGN[change]}): it was written by another version of Lepton; "
        "use that version, or another LEPTON_HOME",
    )

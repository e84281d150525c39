"""The LeptonModels of one machine, in SQLite: what the API server is on a cluster.

The command and the control loop, two processes, use it at the same time. Writes are refused when they rest on an
older version than the stored one. It never decides anything about a model.
"""

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from lepton.backends.local.home import Settings
from lepton.errors import LeptonError
from lepton.plan.types import Key
from lepton.spec.fields import timestamp
from lepton.spec.reasons import Reason
from lepton.spec.resource import API_VERSION, KIND, LeptonModel, Metadata
from lepton.spec.status import Status

SCHEMA_VERSION = 1
_BUSY_TIMEOUT_S = 10.0
_DAMAGED = "it is damaged: put a copy of it back, or move it away and apply the models again"
_MENDS = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: "another program keeps it locked: end that, and try again",
}
"""What to do about SQLite's errors; all others are about rights."""

_SCHEMA = """
CREATE TABLE models (
  namespace TEXT NOT NULL, name TEXT NOT NULL, resource_version INTEGER NOT NULL,
  metadata TEXT NOT NULL, spec TEXT NOT NULL, status TEXT NOT NULL,
  PRIMARY KEY (namespace, name)) WITHOUT ROWID;
CREATE TABLE settings (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL);
CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 0), resource_version INTEGER NOT NULL);
INSERT INTO counter VALUES (0, 0);
"""


class Conflict(Exception):  # noqa: N818 - the word of the Kubernetes API
    """The write rests on an older version of the resource than the stored one: read it again, then decide again."""


class Store:
    """One connection to the store; not for use by two threads at once."""

    def __init__(self, path: Path) -> None:
        """Open it, and create it where there is none. Raises LeptonError."""
        self._path = path
        with self._told():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        self._create()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def version(self) -> int:
        """A number that changes whenever another connection has written. Costs a few microseconds."""
        with self._told():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def get(self, key: Key) -> LeptonModel | None:
        """One resource; None when there is none."""
        with self._told():
            row = self._connection.execute(
                "SELECT metadata, spec, status FROM models WHERE namespace = ? AND name = ?", (key.namespace, key.name)
            ).fetchone()
        return None if row is None else _from_row(row)

    def models(self) -> list[LeptonModel]:
        """All resources, by name."""
        with self._told():
            rows = self._connection.execute("SELECT metadata, spec, status FROM models ORDER BY namespace, name")
            return [_from_row(row) for row in rows]

    def versions(self) -> dict[Key, int]:
        """The resource version of every resource."""
        with self._told():
            rows = self._connection.execute("SELECT namespace, name, resource_version FROM models").fetchall()
        return {Key(namespace, name): version for namespace, name, version in rows}

    def apply(self, wanted: LeptonModel) -> LeptonModel:
        """Create the resource, or give it this spec, these labels and annotations. Its status is kept.

        The generation counts up only when the spec changes; nothing is written when nothing does. A resource version
        other than 0 in `wanted` must be the stored one. Raises Conflict (also for a resource that is being deleted) and
        LeptonError.
        """
        with self._transaction():
            stored = self.get(key_of(wanted))
            if stored is None:
                return self._write(
                    wanted.model_copy(
                        update={
                            "metadata": _metadata(wanted.metadata, uid=str(uuid.uuid4()), generation=1),
                            "status": Status(),
                        }
                    )
                )
            given = wanted.metadata.resource_version
            if stored.metadata.deletion_timestamp is not None:
                raise Conflict(f"{wanted.metadata.name} is being deleted; apply it again when it is gone")
            if given not in (0, stored.metadata.resource_version):
                raise Conflict(f"{wanted.metadata.name} changed since version {given} was read; read it again")
            generation = stored.metadata.generation + (wanted.spec != stored.spec)
            metadata = _metadata(
                stored.metadata,
                generation=generation,
                labels=wanted.metadata.labels,
                annotations=wanted.metadata.annotations,
            )
            if (metadata, wanted.spec) == (stored.metadata, stored.spec):
                return stored
            return self._write(stored.model_copy(update={"metadata": metadata, "spec": wanted.spec}))

    def write_status(self, key: Key, status: Status, resource_version: int) -> LeptonModel:
        """Write the status alone. Raises Conflict unless the resource is still at this version."""
        with self._transaction():
            stored = self.get(key)
            if stored is None or stored.metadata.resource_version != resource_version:
                raise Conflict(f"{key.name} is no longer at version {resource_version}")
            return self._write(stored.model_copy(update={"status": status}))

    def delete(self, key: Key) -> bool:
        """Mark it as being deleted; the control loop removes it when nothing of it is left. False: there is none."""
        with self._transaction():
            stored = self.get(key)
            if stored is None:
                return False
            if stored.metadata.deletion_timestamp is None:
                metadata = _metadata(stored.metadata, deletion_timestamp=timestamp(time.time()))
                self._write(stored.model_copy(update={"metadata": metadata}))
            return True

    def forget(self, key: Key) -> None:
        """Remove the resource itself."""
        with self._transaction():
            self._connection.execute("DELETE FROM models WHERE namespace = ? AND name = ?", (key.namespace, key.name))

    def settings(self) -> Settings:
        """What `lepton up` was last told."""
        with self._told():
            row = self._connection.execute("SELECT value FROM settings").fetchone()
        return Settings() if row is None else Settings.model_validate_json(row[0])

    def save_settings(self, settings: Settings) -> None:
        """Remember what `lepton up` was told."""
        with self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO settings VALUES (0, ?)", (settings.model_dump_json(),))

    def _write(self, model: LeptonModel) -> LeptonModel:
        self._connection.execute("UPDATE counter SET resource_version = resource_version + 1")
        version = self._connection.execute("SELECT resource_version FROM counter").fetchone()[0]
        written = model.model_copy(update={"metadata": _metadata(model.metadata, resource_version=version)})
        self._connection.execute(
            "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?)",
            (
                written.metadata.namespace,
                written.metadata.name,
                version,
                written.metadata.model_dump_json(by_alias=True),
                written.spec.model_dump_json(by_alias=True),
                written.status.model_dump_json(by_alias=True),
            ),
        )
        return written

    def _create(self) -> None:
        with self._told():
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == SCHEMA_VERSION:
                return
        with self._transaction():
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                message = (
                    f"{self._path} has schema version {version}, this Lepton knows {SCHEMA_VERSION}: "
                    "use the Lepton that wrote it, or another LEPTON_HOME"
                )
                raise LeptonError(Reason.STORE_UNWRITABLE, message)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite raises into words for a person."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                message = f"no space left to write {self._path}: free some space; the work then goes on by itself"
                raise LeptonError(Reason.DISK_FULL, message) from error
            mend = _MENDS.get(code, "make it and its folder writable, or set LEPTON_HOME")
            message = f"can't use {self._path} ({error}): {mend}"
            raise LeptonError(Reason.STORE_UNWRITABLE, message) from error


def key_of(model: LeptonModel) -> Key:
    """Which resource it is."""
    return Key(model.metadata.namespace, model.metadata.name)


def _metadata(metadata: Metadata, **changes: object) -> Metadata:
    return metadata.model_copy(update=changes)


def _from_row(row: tuple[str, str, str]) -> LeptonModel:
    metadata, spec, status = row
    head = f'{{"apiVersion":"{API_VERSION}","kind":"{KIND}"'
    try:
        return LeptonModel.model_validate_json(f'{head},"metadata":{metadata},"spec":{spec},"status":{status}}}')
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        wrong = problem["msg"].removeprefix("Value error, ")
        message = f"a stored model can't be read ({where}: {wrong}): it was written by another version of Lepton"
        raise LeptonError(Reason.STORE_UNWRITABLE, f"{message}; use that version, or another LEPTON_HOME") from error

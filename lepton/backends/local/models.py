"""What the local Triton has loaded: candidates, baselines, and the models that users call.

The backend uses it. A model's name in Triton is a link into the cache of verified artifacts; loading goes through
gRPC, since over HTTP it would hold up the clients that share the connection's thread. Loading another artifact under
a name that answers already is the traffic switch: Triton goes on with the old one until the new one is ready, and
keeps the old one when the new one can't be loaded.
"""

import shutil
import threading
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from lepton.artifact import fetch
from lepton.backends.local.home import Home
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.files import as_lepton_error, write_atomically
from lepton.spec.fields import Section
from lepton.spec.reasons import Reason

PROBE_ID = "lepton-probe"
"""The request id of a health probe; the served model leaves such a request out of its own metrics."""
_LOAD_S = 120.0
_ASK_S = 5.0
FOLDERS = {"served": Path("repository/model"), "baseline": Path("baseline/model")}
"""Where in an artifact each variant of its model lies."""


class Served(Section):
    """One model that is to be loaded in Triton, and under which name."""

    name: str
    """In Triton."""
    kind: Literal["Endpoint", "Traffic"]
    namespace: str
    model: str
    """The LeptonModel that it belongs to."""
    variant: Literal["served", "baseline"]
    artifact: str
    digest: str
    instances: int


class Models:
    """All that is loaded, or should be."""

    def __init__(self, home: Home, triton: Triton) -> None:
        self._home = home
        self._triton = triton
        self._one_at_a_time = threading.RLock()
        self._client: tuple[int, Any] | None = None
        self._broken: set[str] = set()

    def records(self) -> dict[str, Served]:
        """What was loaded and not unloaded since, by name in Triton; it is loaded again when the server starts anew."""
        records = {}
        for path in self._home.served.glob("*.json"):
            try:
                served = Served.model_validate_json(path.read_bytes())
            except (FileNotFoundError, ValidationError):
                continue
            records[served.name] = served
        return records

    def load(self, served: Served) -> None:
        """Fetch and verify the artifact, and load it under the name. When it fails, what answered before still does.

        Raises LeptonError: what fetch raises, LOAD_FAILED, DIGEST_MISMATCH or SERVER_UNAVAILABLE.
        """
        with self._one_at_a_time:
            before = self.records().get(served.name)
            copy = fetch(served.artifact, self._home.cache)
            digest = f"sha256:{copy.name}"
            if digest != served.digest:
                message = f"artifact {served.artifact} has {digest}, but the build made {served.digest}: build it again"
                raise LeptonError(Reason.DIGEST_MISMATCH, message)
            try:
                self._load(served)
            except BaseException:
                self._link(served.name, before)
                raise
            write_atomically(self._home.served / f"{served.name}.json", served.model_dump_json().encode())
            self._broken.discard(served.name)
            self._forget_unused_copies()

    def unload(self, name: str) -> None:
        """Take it out of Triton, with its record, its link and the copy of its artifact if nothing else uses that."""
        with self._one_at_a_time:
            if self._triton.is_ready():
                self._ask(
                    lambda client: client.unload_model(name, headers=self._triton.key_header, client_timeout=_LOAD_S)
                )
            self._link(name, None)
            (self._home.served / f"{name}.json").unlink(missing_ok=True)
            self._broken.discard(name)
            self._forget_unused_copies()

    def restore(self) -> dict[str, LeptonError]:
        """Bring a server that was started or adopted to what the records say. Returns what could not be loaded."""
        troubles = {}
        with self._one_at_a_time:
            records = self.records()
            for name in self._loaded() - records.keys():
                self.unload(name)
            for name, served in records.items():
                if self.digest(name) == served.digest:
                    continue
                try:
                    self.load(served)
                except LeptonError as error:
                    troubles[name] = error
        return troubles

    def digest(self, name: str) -> str | None:
        """The digest that the server was given, and the model verified, when it loaded this name; None: not loaded."""
        try:
            return self._loaded_digest(name)
        except LeptonError:
            return None

    def is_healthy(self, name: str) -> bool:
        """Whether the last probe got an answer."""
        return name not in self._broken

    def heal(self) -> list[str]:
        """Ask every loaded model one question; unload and load again those that don't answer. Returns their names.

        A stub that the system killed is not started again by the server, which goes on to call the model ready.
        """
        broken = []
        for name, served in self.records().items():
            if self.digest(name) is None or self._answers(name):
                continue
            with self._one_at_a_time:
                if self.records().get(name) != served:
                    continue  # it was unloaded or replaced while it was asked
                broken.append(name)
                self._broken.add(name)
                self._ask(
                    lambda client, name=name: client.unload_model(
                        name, headers=self._triton.key_header, client_timeout=_LOAD_S
                    )
                )
                self.load(served)
        return broken

    def _load(self, served: Served) -> None:
        config = _config(self._target(served), served)
        self._link(served.name, served)
        self._ask(
            lambda client: client.load_model(
                served.name, headers=self._triton.key_header, config=config, client_timeout=_LOAD_S
            ),
            Reason.LOAD_FAILED,
        )
        loaded = self._loaded_digest(served.name)
        if loaded != served.digest:
            message = (
                f"Triton loaded {loaded} as {served.name} instead of {served.digest}; it is loaded again by itself"
            )
            raise LeptonError(Reason.DIGEST_MISMATCH, message)

    def _loaded_digest(self, name: str) -> str | None:
        config = self._ask(
            lambda client: (
                client.get_model_config(name, client_timeout=_ASK_S)
                if client.is_model_ready(name, client_timeout=_ASK_S)
                else None
            )
        )
        return None if config is None else str(config.config.parameters["digest"].string_value)

    def _target(self, served: Served) -> Path:
        return self._home.cache / served.digest.removeprefix("sha256:") / FOLDERS[served.variant]

    def _link(self, name: str, served: Served | None) -> None:
        """Let the name in Triton's repository lead to the copy, or to nothing, in one step."""
        link = self._home.models / name
        try:
            if served is None:
                link.unlink(missing_ok=True)
                return
            fresh = self._home.models / f".{name}"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(Path("../cache") / self._target(served).relative_to(self._home.cache))
            fresh.rename(link)
        except OSError as error:
            raise as_lepton_error(error, link) from error

    def _forget_unused_copies(self) -> None:
        used = {served.digest.removeprefix("sha256:") for served in self.records().values()}
        for copy in self._home.cache.iterdir():
            if copy.name not in used:
                shutil.rmtree(copy, ignore_errors=True)

    def _loaded(self) -> set[str]:
        index = self._ask(
            lambda client: client.get_model_repository_index(self._triton.key_header, client_timeout=_ASK_S)
        )
        return {model.name for model in index.models if model.state == "READY"}

    def _answers(self, name: str) -> bool:
        try:
            self._ask(lambda client: probe(client, name))
        except LeptonError:
            return False
        return True

    def _ask(self, question: Any, reason: Reason = Reason.SERVER_UNAVAILABLE) -> Any:
        from tritonclient.utils import InferenceServerException  # noqa: PLC0415 - a second to import

        record = self._triton.alive()
        if record is None:
            raise LeptonError(Reason.SERVER_UNAVAILABLE, "Triton is not up; it is started again by itself")
        try:
            return question(self._client_of(record.pid))
        except InferenceServerException as error:
            said = (error.message() or str(error)).split("\n\nAt:")[0].strip()  # what follows is our code's own lines
            raise LeptonError(reason, f"Triton: {said[:1500]}") from error

    def _client_of(self, pid: int) -> Any:
        from tritonclient.grpc import InferenceServerClient  # noqa: PLC0415 - a second to import

        if self._client is None or self._client[0] != pid:
            address = f"127.0.0.1:{self._triton.settings.grpc_port}"
            self._client = (pid, InferenceServerClient(address))
        return self._client[1]


def _config(folder: Path, served: Served) -> str:
    """The model's own configuration with the digest and the number of instances that this load asks for, as JSON."""
    from google.protobuf import json_format, text_format  # noqa: PLC0415 - slow to import
    from tritonclient.grpc.model_config_pb2 import ModelConfig  # noqa: PLC0415 - slow to import

    try:
        config = text_format.Parse((folder / "config.pbtxt").read_text(), ModelConfig())
    except (OSError, text_format.ParseError) as error:
        message = f"{folder / 'config.pbtxt'} can't be read ({error}): build the revision again"
        raise LeptonError(Reason.LOAD_FAILED, message) from error
    config.name = served.name
    config.parameters["digest"].string_value = served.digest
    for group in config.instance_group:
        group.count = served.instances
    return str(json_format.MessageToJson(config, preserving_proto_field_name=True))


def probe(client: Any, name: str) -> None:
    """One inference on zeros, through the tensor input. It may wait its turn: a busy model is not a broken one."""
    from tritonclient.grpc import InferInput  # noqa: PLC0415 - a second to import
    from tritonclient.utils import triton_to_np_dtype  # noqa: PLC0415 - a second to import

    metadata = client.get_model_metadata(name, client_timeout=_ASK_S)
    tensor = next(one for one in metadata.inputs if one.datatype != "BYTES")
    shape = [max(1, size) for size in tensor.shape]
    zeros = InferInput(tensor.name, shape, tensor.datatype)
    zeros.set_data_from_numpy(np.zeros(shape, triton_to_np_dtype(tensor.datatype)))
    client.infer(name, [zeros], request_id=PROBE_ID, client_timeout=_LOAD_S)

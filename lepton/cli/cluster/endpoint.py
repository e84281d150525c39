"""A connection to a model that serves on a cluster: straight to its endpoint, else through the API server's proxy.

The proxy needs no port-forward, and no way into the cluster but the one that the command has anyway. It carries HTTP.
"""

import importlib
import json
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import SERVICE
from lepton.cli.errors import CommandError
from lepton.cli.place import Asker
from lepton.endpoint import Connection, Refused, Unreachable
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress, Protocol

if TYPE_CHECKING:
    from lepton.endpoint import Tensor

Run = Callable[[Coroutine[Any, Any, Any]], Any]

_REACHABLE_S = 1.0
_LENGTH = "Inference-Header-Content-Length"
"""Header of the v2 protocol's binary extension: how much of a body is JSON, before the tensors."""
_ABSENT = (404, 502, 503, 504)


@contextmanager
def connection(client: Client, run: Run, model: LeptonModel, protocol: Protocol) -> Iterator[Asker]:
    """The way that there is. Raises CommandError where there is none."""
    address = model.status.endpoint
    assert address is not None  # noqa: S101 - the caller saw to it
    if _is_reachable(address, protocol):
        with Connection(address, protocol) as straight:
            yield straight
    elif protocol == "http":
        yield Proxied(client, run, model.metadata.namespace, model.metadata.name)
    else:
        where, name = address.host(protocol), model.metadata.name
        raise CommandError(
            f"{where} can't be reached from here, and the API server passes on HTTP alone: leave --protocol out, or "
            f"see `kubectl -n {model.metadata.namespace} port-forward service/{name}`"
        )


def _is_reachable(address: EndpointAddress, protocol: Protocol) -> bool:
    host, _, port = address.host(protocol).partition("/")[0].rpartition(":")
    try:
        with socket.create_connection((host or port, int(port) if host else 80), _REACHABLE_S):
            return True
    except (OSError, ValueError):
        return False


class Proxied:
    """The Open Inference Protocol v2 over `services/NAME:http/proxy`; see lepton.cli.place.Asker."""

    def __init__(self, client: Client, run: Run, namespace: str, model: str) -> None:
        self._client = client
        self._run = run
        self._path = f"{SERVICE.path(namespace, f'{model}:http')}/proxy/v2/models/{model}"
        self._http: Any = importlib.import_module("tritonclient.http")
        self._types: Any = importlib.import_module("tritonclient.utils")

    def ask(self, tensors: Mapping[str, "Tensor"], outputs: Sequence[str]) -> Any:
        """See Asker."""
        inputs = [self._input(name, tensor) for name, tensor in tensors.items()]
        wanted = [self._http.InferRequestedOutput(name) for name in outputs]
        body, length = self._http.InferenceServerClient.generate_request_body(inputs, outputs=wanted)
        headers = {"Content-Type": "application/octet-stream"} | ({} if length is None else {_LENGTH: str(length)})
        answer, found = self._send("POST", f"{self._path}/infer", body, headers)
        given = found.get(_LENGTH)
        return self._http.InferResult.from_response_body(answer, header_length=None if given is None else int(given))

    def metadata(self) -> Any:
        """See Asker."""
        answer, _ = self._send("GET", self._path, None, {})
        return json.loads(answer)

    def _input(self, name: str, tensor: "Tensor") -> Any:
        value = self._http.InferInput(name, list(tensor.shape), self._types.np_to_triton_dtype(tensor.dtype))
        value.set_data_from_numpy(tensor)
        return value

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[bytes, Mapping[str, str]]:
        return self._run(_told(self._client, method, path, body, headers))  # type: ignore[no-any-return]  # of _told


async def _told(
    client: Client, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[bytes, Mapping[str, str]]:
    """What the server behind the proxy answers. Raises Refused or Unreachable for what is the server's doing."""
    try:
        return await client.ask(method, path, {}, body, headers)
    except ApiError as error:
        words = _of_triton(error)
        if words is not None:
            raise Refused(str(error), words) from error
        if error.status in _ABSENT:
            raise Unreachable(str(error)) from error
        raise


def _of_triton(error: ApiError) -> str | None:
    """Triton's own words; None where it is the API server that refuses."""
    try:
        said = json.loads(error.message)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(said)

"""The API server, as the kubernetes backend and the operator talk to it: lists, watches, applies, deletes.

Objects stay JSON: the official client brings the connection, its credentials and TLS, and none of its models, which
would cost more time than the requests.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
from aiohttp.http_exceptions import LineTooLong
from kubernetes.aio.client import ApiClient
from msgspec import MsgspecError, Raw, Struct, field
from msgspec.json import Decoder, decode

from lepton.backends.kubernetes.kinds import Kind, Object

T = TypeVar("T")

FIELD_MANAGER = "lepton"
_PAGE = 250
"""So many objects at a time: with more, the first passes of other work wait longer."""
_TIMEOUT_S = 30.0
_NOT_FOUND, _GONE = 404, 410
_BROKEN = (aiohttp.ClientError, OSError)
"""What a request raises that did not come to its end; a TimeoutError is an OSError."""
_KIND_GOES = "not allowed while custom resource definition is terminating"
_WATCH_S = 300
"""After so many seconds the server ends a watch; the next one goes on where it stood."""


class _PageMetadata(Struct, rename="camel"):
    resource_version: str
    continue_: str = field(default="", name="continue")


class _Page(Struct):
    metadata: _PageMetadata
    items: list[Raw]


class _Event(Struct):
    type: str
    object: Raw


_page = Decoder(_Page)
_event = Decoder(_Event)
_object = Decoder(Object)


class ApiError(Exception):
    """The API server refused, or could not be reached (status 0)."""

    def __init__(self, status: int, reason: str, message: str, causes: tuple[Object, ...] = ()) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        """What is wrong with each field of an object, where the server tells."""


class NotInstalled(ApiError):  # noqa: N818 - what is the matter, not an error of ours
    """The API server does not know a kind."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(_NOT_FOUND, "", f"it knows no {kind.plural} of {kind.api_version}")
        self.kind = kind


class Taken(ApiError):  # noqa: N818 - what is the matter, not an error of ours
    """Somebody else has an object of the name that a model's should have."""

    def __init__(self, kind: Kind, name: str) -> None:
        what = f"there is a {kind.name} {name} already, which is not this model's"
        super().__init__(409, "AlreadyExists", f"{what}: delete it, or give the model another name")


class Client:
    """One connection pool to one API server."""

    def __init__(self, api: ApiClient, may_write: Callable[[], bool] = lambda: True) -> None:
        """`may_write` is asked before each write; where it denies that, the write is refused here."""
        self._api = api
        self._may_write = may_write

    async def pages(
        self, kind: Kind, namespace: str | None, selector: str = ""
    ) -> AsyncIterator[tuple[list[Raw], str]]:
        """All objects of a kind, a part at a time and unparsed, and the version of it all, at which a watch begins.

        Raises ApiError; with status 410 it took too long: begin anew.
        """
        query = {"limit": str(_PAGE), "labelSelector": selector}
        while True:
            page = await self._answer(_page, "GET", kind.path(namespace), query)
            yield page.items, page.metadata.resource_version
            if not page.metadata.continue_:
                return
            query = {**query, "continue": page.metadata.continue_}

    async def list(self, kind: Kind, namespace: str | None, selector: str = "") -> tuple[list[Object], str]:
        """All objects of a kind at once, and the version of it all. Raises ApiError."""
        named = {"apiVersion": kind.api_version, "kind": kind.name}  # the items of a list leave that out
        objects: list[Object] = []
        version = ""
        async for page, version in self.pages(kind, namespace, selector):  # noqa: B007 - the last one counts
            objects += [{**decode(item), **named} for item in page]
        return objects, version

    async def watch(
        self, kind: Kind, namespace: str | None, version: str, selector: str = ""
    ) -> AsyncIterator[tuple[str, Raw]]:
        """What changes after a version: ADDED, MODIFIED, DELETED or BOOKMARK, and the object, unparsed.

        Ends when the server ends it. Raises ApiError; with status 410 the version is too old: list again.
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_S),
            "labelSelector": selector,
        }
        response = await self._send("GET", kind.path(namespace), query, timeout_s=_WATCH_S + _TIMEOUT_S)
        try:
            async for line in response.content:
                event = _event.decode(line)
                if event.type == "ERROR":
                    status: Object = decode(event.object)
                    raise ApiError(status.get("code", 0), status.get("reason", ""), status.get("message", ""))
                yield event.type, event.object
        except LineTooLong as error:
            message = f"one of the {kind.plural} is too large for a watch: a list brings it"
            raise ApiError(_GONE, "Expired", message) from error
        except (*_BROKEN, MsgspecError) as error:  # MsgspecError: a line that was cut short
            raise ApiError(0, "Disconnected", str(error) or type(error).__name__) from error
        finally:
            response.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """One object. Raises ApiError."""
        return await self._request("GET", kind.path(namespace, name))

    async def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object, or None, by the right to list alone. Raises ApiError."""
        found = await self._request("GET", kind.path(namespace), {"fieldSelector": f"metadata.name={name}"})
        return next(iter(found["items"]), None)

    async def create(self, kind: Kind, object_: Object) -> Object:
        """Make an object that is not there yet. Raises ApiError (409 if it is)."""
        query = {"fieldManager": FIELD_MANAGER}
        return await self._request("POST", kind.path(object_["metadata"]["namespace"]), query, object_)

    async def apply(self, kind: Kind, object_: Object, manager: str = FIELD_MANAGER) -> Object:
        """Make an object's fields as given, by server-side apply; the object as it is then.

        Raises NotInstalled where nothing of the kind can be made, else ApiError.
        """
        metadata = object_["metadata"]
        path = kind.path(metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": manager, "force": "true"}
        try:
            return await self._request("PATCH", path, query, object_, "application/apply-patch+yaml")
        except ApiError as error:
            is_unknown = error.status == _NOT_FOUND and not error.reason  # else it is the namespace that is missing
            if is_unknown or _KIND_GOES in error.message:
                raise NotInstalled(kind) from error
            raise

    async def write_status(self, kind: Kind, object_: Object) -> Object:
        """Replace the status of the object if it is still at its resourceVersion. Raises ApiError (409 if not)."""
        metadata = object_["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"])
        return await self._request("PUT", f"{path}/status", {"fieldManager": FIELD_MANAGER}, object_)

    async def merge(
        self, kind: Kind, namespace: str, name: str, changes: Object, manager: str = FIELD_MANAGER
    ) -> Object:
        """Change some fields of an object by a JSON merge patch. Raises ApiError."""
        content_type = "application/merge-patch+json"
        query = {"fieldManager": manager}
        return await self._request("PATCH", kind.path(namespace, name), query, changes, content_type)

    async def delete(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Delete an object and all that it owns; nothing happens where it is not. Raises ApiError.

        What is there until those who hold it with finalizers let it go; None where it is gone.
        """
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        try:
            left = await self._request("DELETE", kind.path(namespace, name), {}, options)
        except ApiError as error:
            if error.status != 404:
                raise
            return None
        return left if left["metadata"].get("finalizers") else None

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Mapping[str, str]]:
        """What lies at any path, such as a log or a proxied service: content and headers. Raises ApiError."""
        response = await self._send(method, path, query, body, {"Accept": "*/*", **(headers or {})})
        try:
            return await response.read(), response.headers
        except _BROKEN as error:
            raise ApiError(0, "Disconnected", str(error) or type(error).__name__) from error

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        return await self._answer(_object, method, path, query, body, content_type)

    async def _answer(
        self,
        decoder: Decoder[T],
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> T:
        response = await self._send(method, path, query or {}, body, {"Content-Type": content_type})
        try:
            return decoder.decode(await response.read())
        except (*_BROKEN, MsgspecError) as error:
            raise ApiError(0, "Disconnected", str(error) or type(error).__name__) from error

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | bytes | None = None,
        given: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": "application/json", "Content-Type": "application/json", **(given or {})}
        wanted = urlencode({key: value for key, value in query.items() if value})
        url = f"{self._api.configuration.host}{path}{f'?{wanted}' if wanted else ''}"
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            if method != "GET" and not self._may_write():
                raise ApiError(0, "NotLeading", f"{method} {path} was not sent: another operator may work by now")
            request = self._api.rest_client.request
            answer: Any = await request(method, url, headers, body, _request_timeout=timeout_s)  # type: ignore[no-untyped-call]  # kubernetes.aio has no types here
            response: aiohttp.ClientResponse = answer.response
            if response.status >= 400:
                raise _refusal(response.status, await response.read())
        except _BROKEN as error:
            raise ApiError(0, "Unreachable", str(error) or type(error).__name__) from error
        return response


def _refusal(status: int, body: bytes) -> ApiError:
    try:
        told: Any = decode(body)
    except MsgspecError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    message = str(told.get("message", body[:500].decode(errors="replace")))
    return ApiError(
        status, str(told.get("reason", "")), message, tuple((told.get("details") or {}).get("causes") or ())
    )

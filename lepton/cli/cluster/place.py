"""A cluster as a Place: its models through the API server, its logs and its endpoints through the same door.

It needs the rights of a user of the cluster, never those of the operator, and no port-forward.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from typing import Any, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import INFERENCE_SERVICE, LEPTON_MODEL
from lepton.backends.kubernetes.store import Store
from lepton.cli.cluster import checks
from lepton.cli.cluster.connect import connect
from lepton.cli.cluster.endpoint import connection
from lepton.cli.cluster.objects import objects_of, remnants_of, vanishing
from lepton.cli.cluster.output import Output
from lepton.cli.cluster.refusals import in_words
from lepton.cli.errors import USAGE, CommandError
from lepton.cli.place import Asker, Finding
from lepton.plan.preview import Preview
from lepton.plan.types import Desired, Observed
from lepton.spec import status
from lepton.spec.resource import LeptonModel, Namespace

T = TypeVar("T")

_PAUSE_S = 1.0
"""The longest that `pause` takes, so that ages and times go on."""


class Cluster:
    """See lepton.cli.place.Place."""

    def __init__(self, context: str, namespace: str | None) -> None:
        if namespace:
            _require_namespace(namespace)
        self._context = context
        self._runner = asyncio.Runner()
        try:
            self._connection = self._runner.run(connect(context))
        except BaseException:
            self._runner.close()
            raise
        self.namespace = namespace or self._connection.namespace
        self.elsewhere = f": name the other namespace with --namespace, beside --context {context}"
        self.start_hint = "`lepton doctor`, with the same --context, tells what runs on the cluster"
        self._store = Store(self._connection.client, self.namespace)
        self._output = Output(self._connection.client, self.namespace)
        self._news: asyncio.Task[Any] | None = None
        self._watch: Any = None

    def close(self) -> None:
        """See Place."""
        self._runner.run(self._close())
        self._runner.close()

    def models(self) -> list[LeptonModel]:
        """See Place."""
        return self._do(self._store.models())

    def get(self, name: str) -> LeptonModel | None:
        """See Place."""
        return self._do(self._store.get(name))

    def adapted(self, model: LeptonModel) -> LeptonModel:
        """See Place: a path is one inside the pods, so it stays as it is."""
        return model

    def doubts(self, model: LeptonModel) -> list[str]:
        """See Place: the API server judges, and stores nothing."""
        self._do(self._store.judge(model), model)
        uri = model.spec.data.uri
        if "://" in uri or "::" in uri:
            return []
        return [f"data.uri: {uri} is a path that pods must see: a URL such as s3:// is read from everywhere"]

    def apply(self, model: LeptonModel) -> LeptonModel:
        """See Place."""
        return self._do(self._store.apply(model), model)

    def change(self, name: str, fields: Mapping[str, JsonValue]) -> None:
        """See Place."""
        self._do(self._store.change(name, fields))

    def retry(self, name: str) -> None:
        """See Place."""
        self._do(self._store.retry(name))

    def delete(self, name: str) -> None:
        """See Place."""
        self._do(self._store.delete(name))

    def remnants(self, model: LeptonModel) -> list[str]:
        """See Place."""
        return remnants_of(self._do(self._store.owned(model.metadata.name)))

    def refusal(self, model: LeptonModel) -> str | None:
        """See Place: what keeps it is told by `remnants`."""
        return None

    def pause(self) -> None:
        """See Place: until the API server tells of a change."""
        self._do(self._wait_for_news())

    def idle(self) -> str | None:
        """See Place."""
        return self._do(checks.why_idle(self._connection.client))

    def output(self, model: LeptonModel, record: status.RevisionRecord) -> Iterator[str]:
        """See Place."""
        return iter(self._do(self._output.added(model.metadata.name, record)))

    def unreadable(self, url: str) -> str | None:
        """See Place."""
        if not url.startswith(("file://", "/")):
            return None
        mend = "let the chart keep artifacts in a bucket to read reports from here"
        return f"the report lies on the cluster's own volume ({url}), which only its pods see: {mend}"

    def connect(self, model: LeptonModel, protocol: status.Protocol) -> AbstractContextManager[Asker]:
        """See Place: straight to the endpoint where that can be reached from here, else through the API server."""
        return connection(self._connection.client, self._do, model, protocol)

    def observe(self, model: LeptonModel) -> Observed:
        """See Place."""
        return self._do(self._store.observe(model))

    def objects(self, desired: Desired) -> list[str]:
        """See Place."""
        return objects_of(self.namespace, desired, self._has_kserve)

    def vanishing(self, model: LeptonModel, found: Preview) -> list[str]:
        """See Place."""
        name = model.metadata.name
        return vanishing(name, self._do(self._store.owned(name)), found)

    def findings(self) -> list[Finding]:
        """See Place."""
        return self._do(checks.examine(self._connection.client, self._connection.server, self.namespace))

    @cached_property
    def _has_kserve(self) -> bool:
        return self._do(self._store.knows(INFERENCE_SERVICE))

    def _do(self, work: Coroutine[Any, Any, T], written: LeptonModel | None = None) -> T:
        """Run it; what the API server refuses becomes a sentence."""
        try:
            return self._runner.run(work)
        except ApiError as error:
            raise in_words(error, self._context, self._connection.server, written) from error
        except json.JSONDecodeError as error:
            message = f"what answers at {self._connection.server} is no API server (a proxy, or a page to log in?)"
            raise CommandError(f"{message}: mend the server of context {self._context!r}") from error

    async def _wait_for_news(self) -> None:
        if self._news is None:
            if self._watch is None:
                self._watch = self._connection.client.watch(LEPTON_MODEL, self.namespace, self._store.version)
            self._news = asyncio.ensure_future(anext(self._watch))
        done, _ = await asyncio.wait({self._news}, timeout=_PAUSE_S)
        if not done:
            return
        news, self._news = self._news, None
        if news.exception() is not None:  # the watch has ended, or could not begin: the next look tells why
            self._watch = None
            await asyncio.sleep(_PAUSE_S)

    async def _close(self) -> None:
        if self._news is not None:
            self._news.cancel()
            with suppress(asyncio.CancelledError, ApiError, StopAsyncIteration):
                await self._news
        await self._connection.api.close()  # type: ignore[no-untyped-call]  # untyped in the client


def _require_namespace(given: str) -> None:
    """Refuse what would lead elsewhere on the API server."""
    try:
        TypeAdapter(Namespace).validate_python(given)
    except ValidationError as error:
        allowed = "lower-case letters, digits and hyphens; at most 63"
        raise CommandError(f"--namespace: given {given!r}; allowed: {allowed}", USAGE) from error

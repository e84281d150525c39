"""The Backend of lepton.reconcile on Kubernetes. The operator passes it to reconcile; it decides nothing.

It reads from the cache alone. Runs of jobs are made by running; servers, and the ways to them, by serving.
"""

import time
from functools import partial

from pydantic import ValidationError

from lepton.backends.kubernetes import farewell
from lepton.backends.kubernetes import observe as observing
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client, NotInstalled
from lepton.backends.kubernetes.kinds import JOB, LEPTON_MODEL, Object
from lepton.backends.kubernetes.names import FINALIZER, cleanup_name
from lepton.backends.kubernetes.refusals import NAMESPACE_GOES, is_refusal, refusal, with_refusals
from lepton.backends.kubernetes.render.cleanup import cleanup
from lepton.backends.kubernetes.running import Running
from lepton.backends.kubernetes.serving import Serving
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.kubernetes.workloads import Owned
from lepton.backends.kubernetes.writer import Writer
from lepton.errors import LeptonError
from lepton.plan.conditions import unready
from lepton.plan.types import Desired, Endpoint, Job, Key, Observed, Ref
from lepton.report import Failure
from lepton.spec.reasons import Reason
from lepton.spec.status import Status


class KubernetesBackend:
    """See lepton.reconcile.Backend."""

    is_told = True

    def __init__(self, client: Client, cache: Cache, settings: Settings) -> None:
        self._client = client
        self._cache = cache
        self._settings = settings
        self._writer = Writer(client, cache)
        self._serving = Serving(self._writer, cache, settings)
        self._running = Running(client, cache, settings, self._writer, self._serving)
        self._refusals: dict[Key, dict[Ref, Failure]] = {}
        """What the API server would not take of a model, and why."""

    def is_refused(self, key: Key) -> bool:
        """Whether the API server would not take something: nothing tells when it will."""
        return bool(self._refusals.get(key))

    async def observe(self, key: Key) -> Observed | None:
        """See Backend."""
        object_ = self._cache.model(key)
        if object_ is None:
            self._refusals.pop(key, None)
            return None
        await self._running.hear_last_words(key)
        seen = observing.observe(observing.parse(object_), self._owned(key), self._settings.gateway)
        return with_refusals(seen, self._refusals.get(key, {}))

    async def report(self, key: Key, status: Status, resource_version: int) -> bool:
        """See Backend."""
        object_ = self._cache.model(key)
        if object_ is None or int(object_["metadata"]["resourceVersion"]) != resource_version:
            return False
        said = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        try:
            object_ = await self._with_finalizer(object_)
            self._cache.note(LEPTON_MODEL, await self._client.write_status(LEPTON_MODEL, {**object_, "status": said}))
        except ApiError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    async def confess(self, key: Key, reason: Reason, message: str) -> None:
        """Show in the status why there could be no pass over a model; the next one that can be made takes it back.

        A status that can't be read stays: a later version of Lepton keeps its revisions there.
        """
        object_ = self._cache.model(key)
        if object_ is None:
            return
        try:
            before = Status.model_validate(object_.get("status", {}))
        except ValidationError:
            return
        status = unready(before, reason, message, time.time())
        if status != before:
            await self.report(key, status, int(object_["metadata"]["resourceVersion"]))

    async def apply(self, key: Key, desired: Desired) -> None:
        """See Backend."""
        object_ = self._cache.model(key)
        if object_ is None:
            return
        uid = object_["metadata"]["uid"]
        try:
            if isinstance(desired, Job):
                await self._running.apply(key, uid, desired)
            elif isinstance(desired, Endpoint):
                await self._serving.apply_endpoint(key, uid, desired)
            else:
                await self._serving.apply_traffic(key, uid, desired)
        except ApiError as error:
            if not is_refusal(error):
                raise
            if isinstance(error, NotInstalled):
                self._cache.lose(error.kind)
            self._note_refusal(key, desired.ref, refusal(error, f"{desired.ref.kind} {desired.ref.name}"))
        else:
            self._refusals.get(key, {}).pop(desired.ref, None)

    def _note_refusal(self, key: Key, ref: Ref, failure: Failure) -> None:
        """Keep it for the next pass, which comes at once where the reason is another than before."""
        refusals = self._refusals.setdefault(key, {})
        before, refusals[ref] = refusals.get(ref), failure
        if before is None or before.reason is not failure.reason:
            self._cache.hurry(key)

    async def delete(self, key: Key, ref: Ref) -> None:
        """See Backend."""
        self._refusals.get(key, {}).pop(ref, None)
        try:
            if ref.kind == "Job":
                await self._running.delete(key, ref.name)
            else:
                await self._serving.delete(key, ref)
        except ApiError as error:
            if not is_refusal(error):
                raise
            failure = refusal(error, f"to delete {ref.kind} {ref.name}")
            raise LeptonError(failure.reason, failure.message) from error

    async def forget(self, key: Key) -> None:
        """See Backend."""
        object_ = self._cache.model(key)
        if object_ is None:
            return
        metadata = object_["metadata"]
        if farewell.has_left_something(object_) and not await self._has_cleaned_up(key, metadata["uid"]):
            return
        if "deletionTimestamp" not in metadata:
            await self._client.delete(LEPTON_MODEL, key.namespace, key.name)
        finalizers = metadata.get("finalizers", [])
        others = [one for one in finalizers if one != FINALIZER]
        if others != finalizers:
            try:
                changes = {"metadata": {"finalizers": others}}
                await self._client.merge(LEPTON_MODEL, key.namespace, key.name, changes)
            except ApiError as error:
                if error.status != 404:
                    raise
        if not others:
            self._cache.remove(LEPTON_MODEL, object_)

    async def _has_cleaned_up(self, key: Key, uid: str) -> bool:
        """Remove what lies in the artifact store, by a Job; whether that is done. The Job goes with the LeptonModel."""
        name, owned = cleanup_name(key, uid), self._owned(key)
        if farewell.is_done(name, owned):
            return True
        if farewell.has_given_up(name, owned):
            await self._writer.delete(JOB, key, name)
        hindrance = farewell.what_hinders(name, owned)
        try:
            if name not in owned(JOB) and not farewell.is_still_written(name, owned):
                await self._writer.apply(JOB, cleanup(key, uid, self._settings))
        except ApiError as error:
            if NAMESPACE_GOES in error.message:
                return True
            if error.status != 403:
                raise
            hindrance = farewell.explained(refusal(error, f"Job {name}"))
        if hindrance is not None:
            await self.confess(key, hindrance.reason, hindrance.message)
        return False

    def _owned(self, key: Key) -> Owned:
        return partial(self._cache.owned, key)

    async def _with_finalizer(self, object_: Object) -> Object:
        """The LeptonModel, held back from deletion until nothing of it is left."""
        metadata = object_["metadata"]
        finalizers = metadata.get("finalizers", [])
        if FINALIZER in finalizers or "deletionTimestamp" in metadata:
            return object_
        changes = {"finalizers": [*finalizers, FINALIZER], "resourceVersion": metadata["resourceVersion"]}
        return await self._client.merge(LEPTON_MODEL, metadata["namespace"], metadata["name"], {"metadata": changes})

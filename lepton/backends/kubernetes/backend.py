"""The Backend of lepton.reconcile on Kubernetes. The operator passes it to reconcile; it decides nothing.

It reads from the cache alone. Servers, and the ways to them, are made by serving.
"""

import time
from functools import partial

from pydantic import JsonValue, ValidationError

from lepton.backends.kubernetes import farewell
from lepton.backends.kubernetes import observe as observing
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError, Client, NotInstalled
from lepton.backends.kubernetes.jobs import (
    has_told_its_end,
    is_failed,
    is_outdated,
    last_attempt,
    readable_order,
    report_of,
)
from lepton.backends.kubernetes.kinds import (
    CONFIG_MAP,
    JOB,
    LEPTON_MODEL,
    RAY_JOB,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import FINALIZER, JOB_LABEL, cleanup_name, removal_name, run_name
from lepton.backends.kubernetes.refusals import NAMESPACE_GOES, is_refusal, refusal, with_refusals
from lepton.backends.kubernetes.render import job as job_objects
from lepton.backends.kubernetes.render import storage
from lepton.backends.kubernetes.render.cleanup import cleanup, removal
from lepton.backends.kubernetes.serving import Serving
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.kubernetes.workloads import Owned, labels_of
from lepton.backends.kubernetes.writer import Writer
from lepton.errors import LeptonError
from lepton.jobdir import JobOrder
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
        await self._hear_last_words(key)
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
                await self._apply_job(key, uid, desired)
            elif isinstance(desired, Endpoint):
                await self._serving.apply_endpoint(key, uid, desired)
            else:
                await self._serving.apply_traffic(key, uid, desired)
        except ApiError as error:
            if not is_refusal(error):
                raise
            if isinstance(error, NotInstalled):
                self._cache.lose(error.kind)
            self._refusals.setdefault(key, {})[desired.ref] = refusal(error, f"{desired.ref.kind} {desired.ref.name}")
        else:
            self._refusals.get(key, {}).pop(desired.ref, None)

    async def delete(self, key: Key, ref: Ref) -> None:
        """See Backend."""
        self._refusals.get(key, {}).pop(ref, None)
        try:
            if ref.kind == "Job":
                await self._delete_job(key, ref.name)
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

    async def _hear_last_words(self, key: Key) -> None:
        """Ask for the report of a run that failed without one: the watch of what it wrote may lag behind its end."""
        if not any(is_failed(run) for kind in (RAY_JOB, JOB) for run in self._cache.owned(key, kind).values()):
            return
        for config_map in list(self._cache.owned(key, CONFIG_MAP).values()):
            if JOB_LABEL not in config_map["metadata"]["labels"]:
                continue
            order = readable_order(config_map)
            if order is None:
                continue
            run = self._cache.owned(key, RAY_JOB if order.kind == "build" else JOB).get(run_name(order))
            if run is not None and is_failed(run) and not has_told_its_end(config_map, order):
                newest = await self._client.get(CONFIG_MAP, key.namespace, config_map["metadata"]["name"])
                self._cache.note(CONFIG_MAP, newest)

    async def _apply_job(self, key: Key, uid: str, job: Job) -> None:
        known = self._cache.get(CONFIG_MAP, key.namespace, job.name)
        order = None if known is None else readable_order(known)
        if known is None and not await self._may_begin(key, uid, job):
            return
        if known is None or order is None or order.attempt < job.attempt:
            attempt = job.attempt
            if known is not None and order is None:
                attempt = last_attempt(known, self._runs(key, job.name, RAY_JOB if job.kind == "build" else JOB))
            order = JobOrder(
                name=job.name,
                kind=job.kind,
                model=job.model,
                revision=job.revision,
                attempt=attempt,
                arguments=self._arguments(key, job),
            )
            for kind, object_ in job_objects.account(key, uid, order):
                await self._writer.apply(kind, object_)
        elif has_told_its_end(known, order):
            return
        kind, run = job_objects.run(key, uid, order, self._settings)
        for name in self._runs(key, job.name, kind):
            if name != run["metadata"]["name"]:
                await self._writer.delete(kind, key, name)
        live = self._cache.get(kind, key.namespace, run["metadata"]["name"])
        if live is None:
            await self._writer.apply(kind, run)
        elif known is not None and is_outdated(live, run, report_of(known, order)):
            await self._writer.delete(kind, key, run["metadata"]["name"])  # that it is gone makes the next pass

    async def _may_begin(self, key: Key, uid: str, job: Job) -> bool:
        """Whether nothing removes what a build of that name made before; then the end of that makes the next pass.

        Raises Taken where the model could never be served under its name.
        """
        if job.kind == "build":
            await self._serving.require_names(key, uid)
        removal = removal_name(key, job.name)
        await self._writer.delete(JOB, key, removal)
        return not farewell.is_at_work(removal, self._owned(key))

    def _arguments(self, key: Key, job: Job) -> dict[str, JsonValue]:
        """What the plan says, and what only this cluster knows."""
        arguments = dict(job.arguments)
        if job.kind == "build":
            artifact = f"{storage.artifacts(key, self._settings)}/{job.name}"
            return {**arguments, "artifact": artifact, "work": storage.work(key)}
        names = {end: str(arguments[end]) for end in ("candidate", "baseline")}
        ends: dict[str, JsonValue] = {
            end: observing.address(name, key.namespace, key.name).model_dump(mode="json") for end, name in names.items()
        }
        meters: dict[str, JsonValue] = {end: observing.meter(name, key.namespace) for end, name in names.items()}
        return {**arguments, **ends, "meters": meters}

    async def _delete_job(self, key: Key, job: str) -> None:
        for kind in (RAY_JOB, JOB):
            for name in self._runs(key, job, kind):
                await self._writer.delete(kind, key, name)
        await self._remove_artifact(key, job)
        for kind in (ROLE_BINDING, ROLE, SERVICE_ACCOUNT, CONFIG_MAP):
            await self._writer.delete(kind, key, job)

    async def _remove_artifact(self, key: Key, job: str) -> None:
        """What a forgotten build made goes by a Job of its own; of a model that goes, all of it goes at once later."""
        model, told = self._cache.model(key), self._cache.get(CONFIG_MAP, key.namespace, job)
        if model is None or told is None or not farewell.lets_forget(model):
            return
        order = readable_order(told)
        report = None if order is None else report_of(told, order)
        if order is not None and order.kind == "build" and report is not None and report.summary is not None:
            uid, made = model["metadata"]["uid"], report.summary.artifact
            await self._writer.apply(JOB, removal(key, uid, job, made, self._settings))

    def _owned(self, key: Key) -> Owned:
        return partial(self._cache.owned, key)

    def _runs(self, key: Key, job: str, kind: Kind) -> list[str]:
        return [name for name, run in self._cache.owned(key, kind).items() if labels_of(run).get(JOB_LABEL) == job]

    async def _with_finalizer(self, object_: Object) -> Object:
        """The LeptonModel, held back from deletion until nothing of it is left."""
        metadata = object_["metadata"]
        finalizers = metadata.get("finalizers", [])
        if FINALIZER in finalizers or "deletionTimestamp" in metadata:
            return object_
        changes = {"finalizers": [*finalizers, FINALIZER], "resourceVersion": metadata["resourceVersion"]}
        return await self._client.merge(LEPTON_MODEL, metadata["namespace"], metadata["name"], {"metadata": changes})

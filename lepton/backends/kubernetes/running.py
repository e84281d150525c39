"""Makes the runs of a model's jobs, and what each run needs. Called by the backend; it decides nothing.

What a job came to is read by jobs.
"""

from functools import partial

from pydantic import JsonValue

from lepton.backends.kubernetes import farewell
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.jobs import (
    has_told_its_end,
    is_failed,
    is_outdated,
    last_attempt,
    readable_order,
    report_of,
)
from lepton.backends.kubernetes.kinds import CONFIG_MAP, JOB, RAY_JOB, ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, removal_name, run_name
from lepton.backends.kubernetes.observe import address, meter
from lepton.backends.kubernetes.render import job as job_objects
from lepton.backends.kubernetes.render import storage
from lepton.backends.kubernetes.render.cleanup import removal
from lepton.backends.kubernetes.serving import Serving
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.kubernetes.workloads import Owned, labels_of
from lepton.backends.kubernetes.writer import Writer
from lepton.jobdir import JobOrder
from lepton.plan.types import Job, Key


class Running:
    """Raises ApiError: NotInstalled where there is no KubeRay, Taken where somebody else has the model's name."""

    def __init__(self, client: Client, cache: Cache, settings: Settings, writer: Writer, serving: Serving) -> None:
        self._client = client
        self._cache = cache
        self._settings = settings
        self._writer = writer
        self._serving = serving

    async def hear_last_words(self, key: Key) -> None:
        """Ask for the report of a run that failed without one: the watch of what it wrote may lag behind its end."""
        if not any(is_failed(run) for kind in (RAY_JOB, JOB) for run in self._cache.owned(key, kind).values()):
            return
        for config_map in list(self._cache.owned(key, CONFIG_MAP).values()):
            order = readable_order(config_map)
            if order is None:
                continue
            run = self._cache.owned(key, RAY_JOB if order.kind == "build" else JOB).get(run_name(order))
            if run is not None and is_failed(run) and not has_told_its_end(config_map, order):
                newest = await self._client.get(CONFIG_MAP, key.namespace, config_map["metadata"]["name"])
                self._cache.note(CONFIG_MAP, newest)

    async def apply(self, key: Key, uid: str, job: Job) -> None:
        """Let the job's wanted attempt run, and no other; a run is not begun anew once it told its end."""
        known = self._cache.get(CONFIG_MAP, key.namespace, job.name)
        order = None if known is None else readable_order(known)
        if known is None and not await self._may_begin(key, uid, job):
            return
        is_labelled = known is not None and labels_of(known).get(JOB_LABEL) == job.name
        if is_new := not is_labelled or order is None or order.attempt < job.attempt:
            order = self._ordered(key, job, known, order)
            await self._give_account(key, uid, order)
        if known is not None and has_told_its_end(known, order):
            return
        kind, run = job_objects.run(key, uid, order, self._settings)
        for name in self._runs(key, job.name, kind):
            if name != run["metadata"]["name"]:
                await self._writer.delete(kind, key, name)
        live = self._cache.get(kind, key.namespace, run["metadata"]["name"])
        if live is None:
            if not is_new:  # whoever took the run away may have taken its rights too
                await self._give_account(key, uid, order)
            await self._writer.apply(kind, run)
        elif known is not None and is_outdated(live, run, report_of(known, order)):
            await self._writer.delete(kind, key, run["metadata"]["name"])  # that it is gone makes the next pass

    async def _give_account(self, key: Key, uid: str, order: JobOrder) -> None:
        for kind, object_ in job_objects.account(key, uid, order):
            await self._writer.apply(kind, object_)

    def _ordered(self, key: Key, job: Job, known: Object | None, order: JobOrder | None) -> JobOrder:
        """The order of the wanted attempt; of the one at hand where somebody damaged what told of it."""
        attempt = job.attempt
        if order is not None:
            attempt = max(attempt, order.attempt)
        elif known is not None:
            attempt = last_attempt(known, self._runs(key, job.name, RAY_JOB if job.kind == "build" else JOB))
        return JobOrder(
            name=job.name,
            kind=job.kind,
            model=job.model,
            revision=job.revision,
            attempt=attempt,
            arguments=self._arguments(key, job),
        )

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
            end: address(name, key.namespace, key.name).model_dump(mode="json") for end, name in names.items()
        }
        meters: dict[str, JsonValue] = {end: meter(name, key.namespace) for end, name in names.items()}
        return {**arguments, **ends, "meters": meters}

    async def delete(self, key: Key, job: str) -> None:
        """Stop and remove a job, and what it made."""
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

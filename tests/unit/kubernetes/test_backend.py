"""What the backend makes of an API server that refuses, and of objects that it can't read."""

import asyncio

import pytest

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL, SERVICE, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL
from lepton.backends.kubernetes.settings import Settings
from lepton.errors import LeptonError
from lepton.plan.types import Key, Ref
from lepton.spec.reasons import Reason
from tests.contract.harness import digits

KEY = Key("zoo", "digits")
SETTINGS = Settings(worker_image="worker", server_image="server", artifacts="s3://models")
FORBIDDEN = ApiError(403, "Forbidden", 'services "digits" is forbidden')
UNREACHABLE = ApiError(0, "Unreachable", "no route")


class FakeClient:
    """Lets nothing be deleted, for one reason."""

    def __init__(self, refusal: ApiError) -> None:
        self._refusal = refusal

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        raise self._refusal


def of(object_: Object, **metadata: object) -> Object:
    common = {"name": "digits", "namespace": "zoo", "uid": "u1", "resourceVersion": "1", "generation": 1}
    return {**object_, "metadata": {**common, **metadata}}


def backend(cache: Cache, refusal: ApiError = UNREACHABLE) -> KubernetesBackend:
    return KubernetesBackend(FakeClient(refusal), cache, SETTINGS)  # type: ignore[arg-type]  # a fake


def model(status: Object) -> Object:
    return of({"spec": digits().model_dump(mode="json", by_alias=True, exclude_defaults=True), "status": status})


def test_a_status_that_another_version_of_lepton_wrote_is_refused_in_words_and_left_as_it_is() -> None:
    cache = Cache()
    cache.put(LEPTON_MODEL, model({"phase": "Levitating"}))
    unable = backend(cache)
    with pytest.raises(LeptonError, match=r"status\.phase.*Levitating") as raised:
        asyncio.run(unable.observe(KEY))
    asyncio.run(unable.confess(KEY, raised.value.reason, raised.value.message))  # writes nothing, ends nothing


def test_what_may_not_be_deleted_is_told_in_words_and_what_could_not_be_asked_is_tried_again() -> None:
    cache = Cache()
    cache.put(SERVICE, of({}, labels={MODEL: "digits"}))
    with pytest.raises(LeptonError, match='refuses to delete Traffic digits: services "digits" is forbidden') as told:
        asyncio.run(backend(cache, FORBIDDEN).delete(KEY, Ref("Traffic", "digits")))
    assert told.value.reason is Reason.LOAD_FAILED
    with pytest.raises(ApiError, match="Unreachable"):
        asyncio.run(backend(cache, UNREACHABLE).delete(KEY, Ref("Traffic", "digits")))


@pytest.mark.parametrize("data", [{}, {"order.json": "{}"}, {"order.json": "no JSON"}])
def test_a_config_map_that_is_no_order_is_named_with_what_to_do(data: Object) -> None:
    cache = Cache()
    cache.put(LEPTON_MODEL, model({}))
    cache.put(CONFIG_MAP, of({"data": data}, name="notes", labels={MODEL: "digits", JOB_LABEL: "notes"}))
    with pytest.raises(LeptonError, match=r"ConfigMap notes .*: delete it") as told:
        asyncio.run(backend(cache).observe(KEY))
    assert told.value.reason is Reason.RECONCILE_ERROR

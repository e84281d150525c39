"""The local backend without its servers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lepton.backends.local.backend import LocalBackend, _FailedLoad
from lepton.backends.local.home import Home
from lepton.backends.local.loop import Loop
from lepton.backends.local.models import Served
from lepton.plan.types import Key
from lepton.spec.resource import LeptonModel

KEY = Key("default", "digits")


class Racing:
    """A failed load of another model; while it is looked at another thread adds one more."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend

    @property
    def served(self) -> Served:
        self._backend._failed_loads[f"cats-{len(self._backend._failed_loads)}"] = cast(_FailedLoad, self)
        return cast(Served, SimpleNamespace(model="cats"))


def test_a_load_that_fails_meanwhile_does_not_disturb_an_observation(tmp_path: Path) -> None:
    loop = Loop(Home(tmp_path).make())
    backend = loop.backend
    backend._failed_loads["cats"] = cast(Any, Racing(backend))
    spec = {"task": "image-classification", "data": {"uri": "sklearn://digits"}}
    model = LeptonModel.model_validate(
        {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": {"name": "digits"}, "spec": spec}
    )
    assert backend._observe(KEY, model).owned == frozenset()
    loop.store.close()

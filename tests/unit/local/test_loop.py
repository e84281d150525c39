"""The control loop without its servers: what it notices, and what it writes into the status by itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from lepton.backends.local.home import Home
from lepton.backends.local.loop import Loop
from lepton.backends.local.states import NOT_DELETED
from lepton.backends.local.store import Conflict, Store, key_of
from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory
from lepton.plan.types import Key
from lepton.report import Progress
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.resource import LeptonModel

REFUSED = LeptonError(Reason.STORE_UNWRITABLE, "s3://bucket may not be written: mend its rights")
PETS = LeptonModel.model_validate(
    {
        "apiVersion": "leptonml.dev/v1alpha1",
        "kind": "LeptonModel",
        "metadata": {"name": "pets"},
        "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}},
    }
)
KEY = key_of(PETS)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    made = Loop(Home(tmp_path).make())
    yield made
    made.store.close()


@pytest.fixture
def user(loop: Loop, tmp_path: Path) -> Iterator[Store]:
    """Another connection to the loop's store."""
    made = Store(Home(tmp_path).database)
    yield made
    made.close()


def ready(store: Store) -> tuple[str, Reason, str] | None:
    model = store.get(KEY)
    assert model is not None
    found = (one for one in model.status.conditions if one.type == ConditionType.READY)
    return next(((one.status, one.reason, one.message) for one in found), None)


def test_a_change_that_could_not_be_read_is_noticed_at_the_next_look(
    loop: Loop, user: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.apply(PETS)

    def refuse() -> dict[Key, int]:
        raise REFUSED

    with monkeypatch.context() as patch:
        patch.setattr(loop.store, "versions", refuse)
        with pytest.raises(LeptonError):
            loop._look()
    loop._look()
    assert loop._queue.due(1, busy=()) == [KEY]


def test_why_a_deleted_model_is_still_there_stands_in_its_status(loop: Loop, user: Store) -> None:
    user.apply(PETS)
    loop._tell_undeleted(KEY, REFUSED)
    assert ready(user) is None
    user.delete(KEY)
    loop._tell_undeleted(KEY, REFUSED)
    assert ready(user) == ("False", Reason.STORE_UNWRITABLE, f"{NOT_DELETED}{REFUSED.message}")


@pytest.mark.parametrize(
    "tell", [lambda loop: loop._tell_undeleted(KEY, REFUSED), lambda loop: loop._confess(KEY, ValueError("odd"))]
)
def test_a_status_that_changed_meanwhile_is_told_at_the_next_pass(
    tell: Callable[[Loop], None], loop: Loop, user: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.apply(PETS)
    user.delete(KEY)

    def too_late(*_: object) -> LeptonModel:
        raise Conflict("pets is no longer at version 2")

    with monkeypatch.context() as patch:
        patch.setattr(loop.store, "write_status", too_late)
        tell(loop)
    assert ready(user) is None
    tell(loop)
    assert ready(user) is not None


def told(loop: Loop, name: str) -> list[str]:
    lines = generate_latest(loop.metrics.registry).decode().splitlines()
    return [line for line in lines if line.startswith(name) and not line.endswith(" 0.0")]


def test_prometheus_is_told_of_a_model_and_of_its_job_until_the_model_is_gone(
    loop: Loop, user: Store, tmp_path: Path
) -> None:
    user.apply(PETS)
    loop._note_model(KEY)
    assert told(loop, "lepton_models") == ['lepton_models{phase="Pending"} 1.0']
    job = JobDirectory(tmp_path / "jobs" / "pets-build-1")
    job.path.mkdir(parents=True)
    loop.backend.unfinished["pets-build-1"] = KEY
    assert told(loop, "lepton_training_loss") == []
    job.write_progress(Progress(stage="train", loss=0.5))
    assert told(loop, "lepton_training_loss") == [
        'lepton_training_loss{model="pets",namespace="default",stage="train"} 0.5'
    ]
    user.delete(KEY)
    user.forget(KEY)
    loop._note_model(KEY)
    assert told(loop, "lepton_models") + told(loop, "lepton_training_loss") == []

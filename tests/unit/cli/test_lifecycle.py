"""What `delete` says while something refuses to go, and what `apply` says of a model that does not serve."""

from collections.abc import Iterator

import pytest

from lepton.backends.local.home import Home
from lepton.backends.local.states import NOT_DELETED
from lepton.backends.local.store import Store, key_of
from lepton.cli import lifecycle
from lepton.cli.errors import CommandError
from lepton.cli.machine import Machine
from lepton.cli.watch import _why
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Condition

WHY = f"digits: StoreUnwritable: {NOT_DELETED}s3://bucket refuses"


@pytest.fixture
def store(home: Home, serving: LeptonModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Holds one model that is being deleted; Lepton seems to run, and time flies."""
    monkeypatch.setattr("lepton.cli.machine.is_up", lambda: True)
    monkeypatch.setattr("lepton.cli.machine._POLL_S", 0.0)
    monkeypatch.setattr(lifecycle, "_STUCK_S", 0.0)
    made = Store(home.make().database)
    made.apply(serving)
    made.delete(key_of(serving))
    yield made
    made.close()


def refuse(store: Store, model: LeptonModel, message: str) -> None:
    """Write what the control loop would."""
    stored = store.get(key_of(model))
    assert stored is not None
    condition = Condition(
        type=ConditionType.READY,
        status="False",
        reason=Reason.STORE_UNWRITABLE,
        message=message,
        last_transition_time="2026-09-21T14:12:00Z",
    )
    status = stored.status.model_copy(update={"conditions": (condition,)})
    store.write_status(key_of(model), status, stored.metadata.resource_version)


def test_delete_says_what_keeps_a_model_and_ends_when_it_was_tried_again_in_vain(
    store: Store, serving: LeptonModel, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(store, serving, f"{NOT_DELETED}s3://bucket refuses")
    with pytest.raises(CommandError) as failure:
        lifecycle.wait_until_gone(Machine(), ["digits"])
    assert failure.value.message == f"{WHY}\nLepton goes on trying, also without this command"
    assert capsys.readouterr().err == f"{WHY}; it is tried again by itself\n"


def test_delete_takes_an_older_failure_for_no_refusal(
    store: Store, serving: LeptonModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(store, serving, "the build failed")
    monkeypatch.setattr("lepton.cli.machine.time.sleep", lambda _: store.forget(key_of(serving)))
    lifecycle.wait_until_gone(Machine(), ["digits"])
    assert capsys.readouterr().err == ""


def test_delete_does_not_wait_for_a_model_of_the_same_name_that_was_applied_meanwhile(
    store: Store, serving: LeptonModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def another(seconds: float) -> None:
        pauses.append(seconds)
        assert len(pauses) == 1, "it waits for the new one"
        store.forget(key_of(serving))
        store.apply(serving)

    monkeypatch.setattr("lepton.cli.machine.time.sleep", another)
    lifecycle.wait_until_gone(Machine(), ["digits"])
    assert len(pauses) == 1


def test_apply_tells_that_what_serves_fails_before_why_a_candidate_did(troubled: LeptonModel) -> None:
    assert _why(troubled) == "digits: ServerUnavailable: Serving is not well"

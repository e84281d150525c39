"""What becomes of a model, told as short lives: what happened, and all that can be seen afterwards."""

import pytest

from lepton.report import Summary
from tests.unit.plan.life import CORRUPT, KEY, TOO_LOW, Life, edited, spec
from tests.unit.plan.stories import failures, servers, ways, wishes
from tests.unit.plan.stories.seen import STRICT

STORIES = {**ways.STORIES, **servers.STORIES, **wishes.STORIES, **failures.STORIES}


@pytest.mark.parametrize("sentence", STORIES)
def test_what_becomes_of_a_model(sentence: str) -> None:
    story, expected = STORIES[sentence]
    life = Life()
    story(life)
    assert life.view() == expected


def test_what_serves_and_fails_is_told_before_the_candidate_that_failed() -> None:
    life = Life()
    life.serves(spec()).apply(edited(2, gate=STRICT)).builds().proved(False).loses_server().cant_switch(CORRUPT)
    told = "Serving: model.onnx differs from its digest; loading is tried again by itself"
    assert life.status.conditions[-1].message == f"{told}; GatePassed: {TOO_LOW}"


def test_nothing_is_built_twice_for_a_rollback_an_edit_back_or_other_budgets() -> None:
    life = Life()
    life.serves(spec())
    life.serves(edited(2))
    begun = list(life.backend.started)
    for wanted in (spec(), edited(2), edited(2, revision=1), spec(revision=2)):
        life.apply(wanted)
        life.switches()
    assert life.backend.started == begun


def test_an_artifact_that_was_finished_just_before_its_spec_was_edited_away_is_not_built_again() -> None:
    life = Life().apply(edited(2))
    name = life.open_job()
    life.backend.finish_job(name, Summary(artifact="memory://1", digest="sha256:1"))
    life.apply(edited(3)).apply(edited(2))
    assert [begun for begun, _ in life.backend.started].count(name) == 1
    assert life.view().revisions == {2: "Superseded", 1: "Gating"}


def test_a_deleted_model_is_forgotten_once_nothing_of_it_is_left() -> None:
    life = Life()
    life.serves(spec())
    life.apply(edited(2))
    life.backend.mark_deleted(KEY, "2026-01-01T00:00:00Z")
    life.one_pass()
    assert (life.view().owned, life.view().answers) == ("", None)
    life.one_pass()
    assert life.backend.worlds == {}


def test_ten_revisions_and_their_artifacts_are_remembered_and_the_one_that_serves_never_goes() -> None:
    life = Life()
    life.serves(edited(1))
    for epochs in range(2, 20):
        life.apply(edited(epochs))
        life.builds()
    view = life.view()
    numbers = [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1]
    assert (list(view.revisions), view.serving, view.answers) == (numbers, 1, 1)
    assert {name for name in view.owned.split() if "build" in name} == {f"build{number}" for number in numbers}
    life.apply(edited(20))
    assert list(life.view().revisions) == [20, *numbers[:9], 1]


def test_a_status_that_would_say_the_same_is_not_written() -> None:
    life = Life()
    life.serves(spec())
    version = life.world.model.metadata.resource_version
    life.wait(100_000)
    assert life.world.model.metadata.resource_version == version


def test_whoever_writes_in_between_ends_the_pass_before_anything_is_begun() -> None:
    life = Life()
    life.backend.put(KEY, spec())
    report = life.backend.report

    async def report_late(key: object, status: object, version: int) -> bool:
        life.backend.put(KEY, edited(2))
        return await report(KEY, life.status, version)

    life.backend.report = report_late  # type: ignore[method-assign, assignment]
    assert life.one_pass() == 0.0
    assert life.backend.started == []

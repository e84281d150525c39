"""What every backend must do, so that one decision core can drive them all.

A backend's tests subclass BackendContract as Test... and give the fixture `harness`.
"""

from lepton.plan.types import EndpointState, Key, Observed, Ref
from lepton.report import CheckResult, Failure, Progress, Summary
from lepton.spec.reasons import Phase, Reason
from lepton.spec.status import RevisionRecord, Status
from tests.contract.harness import Harness, digits, endpoint, job, traffic

KEY = Key("default", "digits")
OTHER = Key("default", "pets")
BUILD, CANDIDATE = "digits-build-00000000", "digits-candidate-00000000"
TRAINING = Progress(stage="train", fraction=0.5, message="epoch 1 of 2", epoch=1, epochs=2)
CORRUPT = Failure(reason=Reason.DATA_INVALID, message="data.uri: no image in it", stage="data")


class BackendContract:
    """The promises of lepton.reconcile.Backend, one test each; the last ones live whole lives."""

    def test_what_was_never_applied_is_not_there(self, harness: Harness) -> None:
        assert harness.observe(KEY) is None

    def test_a_new_resource_owns_nothing(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        seen = harness.seen(KEY)
        assert seen == Observed(model=seen.model)
        assert (seen.model.spec, seen.model.status, seen.model.metadata.generation) == (digits(), Status(), 1)

    def test_a_change_of_the_spec_is_a_new_generation_and_a_report_is_not(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        before = harness.seen(KEY).model
        harness.put(KEY, digits(train={"epochs": 2}))
        edited = harness.seen(KEY).model
        assert harness.report(KEY, Status(phase=Phase.TRAINING), edited.metadata.resource_version)
        reported = harness.seen(KEY).model
        assert [m.metadata.generation for m in (before, edited, reported)] == [1, 2, 2]
        versions = [m.metadata.resource_version for m in (before, edited, reported)]
        assert versions == sorted(set(versions))
        assert (reported.spec, reported.status) == (digits(train={"epochs": 2}), Status(phase=Phase.TRAINING))

    def test_a_report_upon_a_stale_observation_writes_nothing(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        stale = harness.seen(KEY).model.metadata.resource_version
        harness.put(KEY, digits(suspend=True))
        before = harness.seen(KEY)
        assert not harness.report(KEY, Status(phase=Phase.TRAINING), stale)
        assert harness.seen(KEY) == before

    def test_a_report_comes_back_as_it_was_written(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        record = RevisionRecord(
            number=1, name=BUILD, cause="spec", created="2026-01-01T00:00:00Z", metrics={"accuracy": 97.25}
        )
        status = Status(phase=Phase.TRAINING, observed_generation=1, revisions=(record,))
        assert harness.report(KEY, status, harness.seen(KEY).model.metadata.resource_version)
        assert harness.seen(KEY).model.status == status

    def test_a_job_that_is_applied_again_goes_on_as_it_is(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.apply(KEY, job(KEY, BUILD))
        harness.run_job(KEY, BUILD, TRAINING)
        harness.apply(KEY, job(KEY, BUILD))
        seen = harness.seen(KEY)
        assert seen.owned == {Ref("Job", BUILD)}
        state = seen.jobs[BUILD]
        assert (state.phase, state.attempt, state.progress) == ("Running", 0, TRAINING)

    def test_a_job_that_succeeded_gives_its_summary_and_is_not_run_again(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.apply(KEY, job(KEY, BUILD))
        made = harness.artifact(KEY, 1)
        harness.finish_job(KEY, BUILD, made)
        harness.apply(KEY, job(KEY, BUILD))
        state = harness.seen(KEY).jobs[BUILD]
        assert (state.phase, state.attempt, state.summary, state.failure) == ("Succeeded", 0, made, None)

    def test_a_job_that_failed_says_why_and_when_and_is_not_run_again(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.apply(KEY, job(KEY, BUILD))
        harness.fail_job(KEY, BUILD, CORRUPT)
        harness.apply(KEY, job(KEY, BUILD))
        state = harness.seen(KEY).jobs[BUILD]
        assert (state.phase, state.attempt, state.summary, state.failure) == ("Failed", 0, None, CORRUPT)
        assert state.finished_at is not None
        assert state.finished_at <= harness.clock()

    def test_a_job_that_died_without_a_word_has_failed(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.apply(KEY, job(KEY, BUILD))
        harness.fail_job(KEY, BUILD, None)
        state = harness.seen(KEY).jobs[BUILD]
        assert (state.phase, state.summary) == ("Failed", None)
        assert state.failure is None or state.failure.reason is Reason.JOB_FAILED

    def test_a_higher_attempt_replaces_the_run_that_failed(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.apply(KEY, job(KEY, BUILD))
        harness.fail_job(KEY, BUILD, CORRUPT)
        harness.apply(KEY, job(KEY, BUILD, attempt=1))
        state = harness.seen(KEY).jobs[BUILD]
        assert (state.phase in ("Pending", "Running"), state.attempt, state.failure) == (True, 1, None)
        harness.finish_job(KEY, BUILD, harness.artifact(KEY, 1))
        assert harness.seen(KEY).jobs[BUILD].phase == "Succeeded"

    def test_an_endpoint_says_which_files_it_loaded(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        made = harness.artifact(KEY, 1)
        harness.apply(KEY, endpoint(KEY, CANDIDATE, made))
        harness.let_load(KEY, CANDIDATE)
        seen = harness.seen(KEY)
        assert seen.endpoints == {CANDIDATE: EndpointState(ready=True, digest=made.digest)}
        assert seen.owned == {Ref("Endpoint", CANDIDATE)}
        assert seen.traffic is None

    def test_an_endpoint_that_cant_be_loaded_says_why_and_nothing_is_raised(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.apply(KEY, endpoint(KEY, CANDIDATE, harness.artifact(KEY, 1, broken=True)))
        harness.let_load(KEY, CANDIDATE)
        state = harness.seen(KEY).endpoints[CANDIDATE]
        assert not state.ready
        assert state.failure is not None
        assert state.failure.message

    def test_the_traffic_goes_where_it_is_sent_and_has_an_address(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        first, second = harness.artifact(KEY, 1), harness.artifact(KEY, 2)
        for revision, made in ((1, first), (2, second), (1, first)):
            harness.apply(KEY, traffic(KEY, made, revision))
            harness.let_switch(KEY)
            seen = harness.seen(KEY)
            assert seen.traffic == EndpointState(ready=True, digest=made.digest)
            assert seen.address is not None
            assert seen.owned == {Ref("Traffic", "digits")}

    def test_a_switch_that_fails_leaves_the_old_one_answering(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        first = harness.artifact(KEY, 1)
        harness.apply(KEY, traffic(KEY, first))
        harness.let_switch(KEY)
        harness.apply(KEY, traffic(KEY, harness.artifact(KEY, 2, broken=True), revision=2))
        harness.let_switch(KEY)
        state = harness.seen(KEY).traffic
        assert state is not None
        assert (state.ready, state.digest) == (True, first.digest)
        assert state.failure is not None

    def test_the_failure_of_a_switch_is_over_once_the_old_one_is_wanted_again(self, harness: Harness) -> None:
        self.test_a_switch_that_fails_leaves_the_old_one_answering(harness)
        harness.apply(KEY, traffic(KEY, harness.artifact(KEY, 1)))
        harness.let_switch(KEY)
        assert harness.seen(KEY).traffic == EndpointState(ready=True, digest=harness.artifact(KEY, 1).digest)

    def test_what_a_lost_server_had_loaded_is_loaded_again_when_applied(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        made = harness.artifact(KEY, 1)
        wanted = endpoint(KEY, CANDIDATE, made), traffic(KEY, made)
        for _ in range(2):
            harness.apply(KEY, *wanted)
            harness.let_load(KEY, CANDIDATE)
            harness.let_switch(KEY)
            seen = harness.seen(KEY)
            assert seen.endpoints == {CANDIDATE: EndpointState(ready=True, digest=made.digest)}
            assert seen.traffic == EndpointState(ready=True, digest=made.digest)
            harness.lose_server()

    def test_what_is_deleted_is_gone_and_can_be_deleted_twice(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        made = harness.artifact(KEY, 1)
        harness.apply(KEY, job(KEY, BUILD), endpoint(KEY, CANDIDATE, made), traffic(KEY, made))
        harness.let_load(KEY, CANDIDATE)
        harness.let_switch(KEY)
        for ref in sorted(harness.seen(KEY).owned) * 2:
            harness.delete(KEY, ref)
        seen = harness.seen(KEY)
        assert (seen.owned, seen.jobs, seen.endpoints, seen.traffic) == (frozenset(), {}, {}, None)

    def test_what_is_forgotten_is_not_there_and_can_be_applied_anew(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.forget(KEY)
        assert harness.observe(KEY) is None
        harness.forget(KEY)
        harness.put(KEY, digits())
        assert harness.seen(KEY).model.status == Status()

    def test_one_model_never_sees_what_another_owns(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        harness.put(OTHER, digits())
        harness.apply(KEY, job(KEY, BUILD))
        seen = harness.seen(OTHER)
        assert seen == Observed(model=seen.model)

    def test_a_whole_life_from_the_first_build_to_the_deletion(self, harness: Harness) -> None:
        harness.put(KEY, digits())
        assert _live(harness, 1) == (Phase.SERVING, 1)
        harness.put(KEY, digits(train={"epochs": 2}))
        assert _live(harness, 2) == (Phase.SERVING, 2)
        harness.put(KEY, digits(train={"epochs": 2}, revision=1))
        harness.reconcile(KEY)
        harness.let_switch(KEY)
        harness.reconcile(KEY)
        assert _serving(harness) == (Phase.SERVING, 1)
        harness.mark_deleted(KEY)
        harness.reconcile(KEY)
        assert harness.observe(KEY) is None


def _live(harness: Harness, number: int) -> tuple[Phase, int | None]:
    """Let everything go well until the revision serves."""
    harness.reconcile(KEY)
    record = harness.seen(KEY).model.status.revisions[0]
    made = harness.artifact(KEY, number)
    harness.finish_job(KEY, record.name, made)
    harness.reconcile(KEY)
    for name in harness.seen(KEY).endpoints:
        harness.let_load(KEY, name)
    harness.reconcile(KEY)
    proof = next(name for name, state in harness.seen(KEY).jobs.items() if state.summary is None)
    holds = CheckResult(name="digest", measured="same", allowed="same", passed=True, message="the same files")
    harness.finish_job(KEY, proof, Summary(artifact=made.artifact, digest=made.digest, checks=(holds,)))
    harness.reconcile(KEY)
    harness.let_switch(KEY)
    harness.reconcile(KEY)
    return _serving(harness)


def _serving(harness: Harness) -> tuple[Phase, int | None]:
    status = harness.seen(KEY).model.status
    return status.phase, status.serving.revision if status.serving is not None else None

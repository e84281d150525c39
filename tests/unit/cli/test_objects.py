"""The objects of a cluster that a plan names."""

from lepton.backends.kubernetes.kinds import CONFIG_MAP, DEPLOYMENT, POD, SERVICE
from lepton.backends.kubernetes.names import JOB_LABEL, WORKLOAD, workload_name
from lepton.cli.cluster.objects import objects_of, remnants_of, vanishing
from lepton.plan.preview import preview
from lepton.plan.types import Endpoint, EndpointState, Job, JobState, Key, Observed, Ref, Traffic
from lepton.spec.deploy import Deploy
from lepton.spec.resource import LeptonModel


def test_a_plan_names_the_objects_behind_what_it_wants() -> None:
    digest, named = "sha256:0123456789", "m" * 40
    assert [
        objects_of("team", one, has_kserve=False)
        for one in (
            Job("digits-build-1", "build", "digits", 1, {}, 1.0, attempt=2),
            Job("digits-gate-1", "gate", "digits", 1, {}, 1.0),
            Endpoint("digits-candidate-1", "digits", 1, "served", "a", digest, 1),
            Endpoint("digits-baseline-1", "digits", 1, "baseline", "a", digest, 1),
            Traffic("digits", 1, "a", digest, 1),
            Traffic("digits", 1, "a", digest, 1, Deploy(engine="kserve")),
            Traffic(named, 1, "a", digest, 1),
        )
    ] == [
        ["RayJob digits-build-1-2", "ConfigMap, ServiceAccount, Role and RoleBinding digits-build-1"],
        ["Job digits-gate-1-0", "ConfigMap, ServiceAccount, Role and RoleBinding digits-gate-1"],
        ["Service digits-candidate-1"],
        ["Service digits-baseline-1", "servers digits-baseline-01234567"],
        ["Service digits", "servers digits-served-01234567"],
        ["Service digits", "servers digits-served-01234567-kserve"],
        [f"Service {named}", f"servers {workload_name(Key('team', named), 'served', digest, 'triton')}"],
    ]
    (_, by_kserve) = objects_of("team", Traffic("digits", 1, "a", digest, 1), has_kserve=True)
    assert by_kserve == "servers digits-served-01234567-kserve"


def test_a_plan_names_the_objects_that_go(serving: LeptonModel) -> None:
    assert serving.status.serving is not None
    seen = Observed(
        serving,
        jobs={"digits-build-1": JobState("Running", attempt=1)},
        traffic=EndpointState(ready=True, digest=serving.status.serving.digest),
        owned=frozenset({Ref("Job", "digits-build-1"), Ref("Endpoint", "digits-baseline-1"), Ref("Traffic", "digits")}),
    )
    selector = {"selector": {WORKLOAD: "digits-served-1"}}
    owned = {
        SERVICE: {"digits": {"metadata": {}, "spec": selector}, "digits-baseline-1": {"metadata": {}}},
        CONFIG_MAP: {"digits-build-1": {"metadata": {"labels": {JOB_LABEL: "digits-build-1"}}}},
        DEPLOYMENT: {"digits-served-1": {"metadata": {"labels": {WORKLOAD: "digits-served-1"}}}},
        POD: {"digits-served-1-x": {"metadata": {"labels": {WORKLOAD: "digits-served-1"}}}},
    }
    edited = serving.spec.model_copy(update={"train": serving.spec.train.model_copy(update={"epochs": 3})})
    found = preview(seen, serving.model_copy(update={"spec": edited}), 0.0)
    assert vanishing("digits", owned, found) == [
        "Service digits-baseline-1",
        "ConfigMap digits-build-1",
        "Deployment digits-served-1",
    ]
    owned[SERVICE]["digits"]["spec"] = {"selector": {"app": "another"}}  # by somebody else's hand
    assert vanishing("digits", owned, found) == ["Service digits-baseline-1", "ConfigMap digits-build-1"]
    assert remnants_of(owned)[-1] == "Pod digits-served-1-x"

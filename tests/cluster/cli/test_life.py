"""A model from `apply` to `delete`: what each verb that changes it says and writes."""

import json

from lepton.backends.kubernetes.client import FIELD_MANAGER
from lepton.backends.kubernetes.kinds import LEPTON_MODEL
from lepton.backends.kubernetes.store import MANAGER
from lepton.spec.load import load
from lepton.spec.resource import RETRIED_AT
from tests.cluster.cli.harness import NAMESPACE, Cluster, File


def test_a_model_is_applied_followed_shown_and_deleted(cluster: Cluster, file: File) -> None:
    path = file("life")
    assert cluster.ok("apply", "-f", path, "--wait") == ("life created\nlife serves at http://life.default.svc:8000\n")
    assert cluster.ok("apply", "-f", path) == "life unchanged\n"
    assert cluster.ok("wait", "life", "--timeout", "60") == "life serves at http://life.default.svc:8000\n"
    assert cluster.ok("get").split()[:2] == ["NAME", "PHASE"]
    assert "revision 1 answers" in cluster.ok("get", "life")
    assert json.loads(cluster.ok("get", "life", "-o", "json"))["status"]["phase"] == "Serving"
    (shown,) = load(cluster.ok("get", "life", "-o", "yaml")).models
    assert shown.spec.train.epochs == 3
    assert "revision 1 met every budget" in cluster.ok("describe", "life")
    assert cluster.ok("delete", "life") == "life deleted\n"
    assert cluster.lepton("get", "life").err == (
        "error: there is no model named 'life'; none has been applied yet: `lepton apply -f FILE`\n"
    )


def test_the_command_owns_what_it_applied_and_no_more(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("owned", "train: {epochs: 3}\n  suspend: true"))
    fields = {
        one["operation"]: one["fieldsV1"]["f:spec"]
        for one in cluster.live("owned")["metadata"]["managedFields"]
        if one["manager"] == MANAGER
    }
    assert fields == {
        "Apply": {"f:data": {"f:uri": {}}, "f:suspend": {}, "f:task": {}, "f:train": {"f:epochs": {}}},
    }
    changed = {"spec": {"deploy": {"instances": 2}}}
    cluster.ask(lambda client: client.merge(LEPTON_MODEL, NAMESPACE, "owned", changed))
    answer = cluster.lepton("apply", "-f", file("owned", "train: {epochs: 4}"))
    assert (answer.code, answer.out) == (0, "owned configured\n")
    assert answer.err == (
        "owned: deploy.instances stays 2: the file leaves it out and something else set it; "
        "to change it, give it in the file\n"
    )
    assert cluster.live("owned")["spec"] == {
        "task": "image-classification",
        "data": {"uri": "sklearn://digits"},
        "deploy": {"instances": 2},
        "train": {"epochs": 4},
    }
    cluster.ok("delete", "owned")


def test_suspend_resume_and_rollback_are_one_field_each(cluster: Cluster, file: File) -> None:
    first, second = file("fields"), file("fields", "train: {epochs: 4}")
    cluster.ok("apply", "-f", first, "--wait")
    before = cluster.live("fields")["spec"]
    assert cluster.ok("suspend", "fields") == "fields suspended; what serves goes on\n"
    assert cluster.live("fields")["spec"] == {**before, "suspend": True}
    assert cluster.ok("resume", "fields") == "fields resumed\n"
    assert cluster.live("fields")["spec"] == {**before, "suspend": False}
    cluster.ok("apply", "-f", second, "--wait")
    after = cluster.live("fields")["spec"]
    assert after == {**before, "train": {"epochs": 4}}
    assert cluster.ok("rollback", "fields").startswith("fields goes to revision 1: spec.revision pins it")
    assert cluster.live("fields")["spec"] == {**after, "revision": 1}
    cluster.ok("wait", "fields")
    assert cluster.live("fields")["status"]["serving"]["revision"] == 1
    assert cluster.ok("rollback", "fields", "--undo") == "fields goes to what its spec asks for\n"
    assert cluster.live("fields")["spec"] == after
    cluster.ok("wait", "fields")
    assert cluster.lepton("rollback", "fields", "--to", "9").err == (
        "error: fields does not have revision 9 that can be served; those that can: 2, 1\n"
    )
    cluster.ok("delete", "fields")


def test_what_failed_is_told_and_tried_again_when_asked_for(cluster: Cluster, file: File) -> None:
    answer = cluster.lepton("apply", "-f", file("lost"), "--wait")
    assert (answer.code, answer.out) == (1, "lost created\n")
    assert answer.err.endswith("error: lost: DataNotFound: data.uri s3://x does not exist\n")
    assert cluster.ok("retry", "lost") == "lost: what failed is tried again\n"
    asked = cluster.live("lost")["metadata"]
    assert RETRIED_AT in asked["annotations"]
    assert {one["manager"] for one in asked["managedFields"]} == {MANAGER, FIELD_MANAGER}
    cluster.ok("wait", "lost", "--timeout", "60")
    assert cluster.lepton("retry", "lost").err == (
        "error: nothing of lost has failed (Serving): there is nothing to retry\n"
    )
    cluster.ok("delete", "lost")

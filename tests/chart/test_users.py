"""What people may do with models follows from what they may do in a namespace."""

import pytest

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import ROLE_BINDING, Object
from lepton.spec.resource import GROUP, PLURAL
from tests.chart.cluster import ask
from tests.chart.helm import one, render
from tests.chart.release import Release
from tests.cluster.control_plane import ControlPlane

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")


async def bind(client: Client, role: str) -> None:
    """Give a group of its own what a ClusterRole grants, in one namespace."""
    of = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": role}
    metadata = {"name": role, "namespace": "team-b"}
    binding: Object = {"apiVersion": ROLE_BINDING.api_version, "kind": "RoleBinding", "metadata": metadata}
    await client.apply(ROLE_BINDING, {**binding, "roleRef": of, "subjects": [group]})


async def allowed(client: Client, group: str, resource: str, subresource: str = "") -> set[str]:
    """What a member of the group may do."""
    found = set()
    for verb in VERBS:
        about = {"group": GROUP, "resource": resource, "subresource": subresource, "namespace": "team-b", "verb": verb}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": "somebody", "groups": [group], "resourceAttributes": about},
        }
        answer = await client._request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {}, review)
        found |= {verb} if answer["status"]["allowed"] else set()
    return found


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("lepton-view", {"get", "list", "watch"}),
        ("lepton-edit", {"create", "update", "patch", "delete"}),
    ],
)
def test_people_may_do_with_models_what_their_role_says(
    role: str, verbs: set[str], empty_plane: ControlPlane, release: Release
) -> None:
    release.run("install")
    ask(empty_plane, lambda client: bind(client, role))
    assert ask(empty_plane, lambda client: allowed(client, role, PLURAL)) == verbs
    assert ask(empty_plane, lambda client: allowed(client, role, PLURAL, "status")) == set()


def test_the_roles_add_to_those_of_kubernetes() -> None:
    objects = render()
    for verb in ("view", "edit"):  # Kubernetes adds view to edit, and edit to admin
        labels = one(objects, "ClusterRole", f"lepton-{verb}")["metadata"]["labels"]
        assert labels[f"rbac.authorization.k8s.io/aggregate-to-{verb}"] == "true"

"""What is not possible, or not allowed, is told in one sentence."""

import asyncio
import json
from pathlib import Path

import pytest

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL
from lepton.backends.kubernetes.store import Store
from lepton.cli.cluster.refusals import problems_of
from lepton.spec.load import load
from tests.cluster.cli.harness import NAMESPACE, Cluster, File
from tests.cluster.world import token


def test_validate_lets_the_api_server_judge_and_store_nothing(cluster: Cluster, file: File) -> None:
    answer = cluster.lepton("validate", "-f", file("judged"))
    assert (answer.code, answer.out) == (0, "judged is valid\n")
    local = cluster.lepton("validate", "-f", _with_path(file("judged")))
    assert "warning: judged: data.uri: pets/ is a path that pods must see" in local.err
    assert "there is no model named 'judged'" in cluster.lepton("get", "judged").err


def _with_path(path: Path) -> Path:
    path.write_text(path.read_text().replace("sklearn://digits", "pets/"))
    return path


BAD = {
    "a number out of range": {"train": {"epochs": 0}},
    "a word that is not known": {"train": {"schedule": "sometimes"}},
    "a number where text is due": {"data": {"uri": 7}},
    "a field that is missing": {"data": None},
    "a field that does not exist": {"tusk": 1},
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_refusal_of_the_api_server_names_the_field_as_validate_does(cluster: Cluster, sentence: str) -> None:
    spec = {"task": "image-classification", "data": {"uri": "sklearn://digits"}, **BAD[sentence]}
    document = {
        "apiVersion": LEPTON_MODEL.api_version,
        "kind": LEPTON_MODEL.name,
        "metadata": {"name": "bad", "namespace": NAMESPACE},
        "spec": {name: value for name, value in spec.items() if value is not None},
    }

    async def refused(client: Client) -> ApiError:
        with pytest.raises(ApiError) as error:
            await Store(client, NAMESPACE)._apply(document)
        return error.value

    (told,) = problems_of(cluster.ask(refused), document)
    (expected,) = load(json.dumps(document)).problems
    assert told.field == expected.field
    if sentence != "a field that does not exist":  # only the cluster knows which fields its CRD has
        assert (told.wrong, told.allowed) == (expected.wrong, expected.allowed.removesuffix(", in quotes"))


@pytest.mark.parametrize("who", ["unknown", "stranger", "nobody there"])
def test_who_may_not_or_can_not_is_told_in_one_sentence(
    who: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    text = asyncio.run(token(cluster.plane.kubeconfig, NAMESPACE, "default")) if who == "stranger" else "expired"
    cluster.plane.write_kubeconfig(kubeconfig, text)
    if who == "nobody there":
        kubeconfig.write_text(kubeconfig.read_text().replace(cluster.plane.url, "https://127.0.0.1:1"))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    said = {
        "unknown": "does not know you (its token may have expired): log in again as you do for kubectl",
        "stranger": 'forbids it: leptonmodels.leptonml.dev is forbidden: User "system:serviceaccount:default:default" '
        'cannot list resource "leptonmodels" in API group "leptonml.dev" in the namespace "default": '
        "ask whoever runs it for that right",
        "nobody there": "see that it is up, and that this machine gets there",
    }[who]
    answer = cluster.lepton("get")
    assert answer.code == 1
    assert answer.err.count("\n") == 1
    assert said in answer.err

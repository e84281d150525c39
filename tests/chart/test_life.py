"""A real Helm on a real API server: installed, upgraded, uninstalled and installed again, and no model is lost."""

import shutil
from pathlib import Path

import pytest
import yaml

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import CONFIG_MAP, DEPLOYMENT, LEPTON_MODEL, Object
from tests.chart.cluster import ask, until_there
from tests.chart.helm import CHART, HOME, Refused
from tests.chart.release import CLAIM, DEFINITION, Release
from tests.cluster.control_plane import ControlPlane
from tests.cluster.parts import CRD

MODEL = {
    "apiVersion": LEPTON_MODEL.api_version,
    "kind": LEPTON_MODEL.name,
    "metadata": {"name": "digits", "namespace": "team-b"},
    "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}},
}


def older(folder: Path) -> Path:
    """The chart of a version whose LeptonModel had no column and no field for the pinned revision."""
    shutil.copytree(CHART, folder)
    path = folder / "files" / "crd.yaml"
    definition = yaml.safe_load(path.read_text())
    (version,) = definition["spec"]["versions"]
    version["additionalPrinterColumns"] = []
    del version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["revision"]
    path.write_text(yaml.safe_dump(definition))
    return folder


async def definition(client: Client) -> Object:
    """The CRD, once models can be kept."""
    await until_there(client, LEPTON_MODEL.path("team-b"))
    return await client.get(CRD, "", DEFINITION)


async def make_model(client: Client) -> Object:
    await until_there(client, LEPTON_MODEL.path("team-b"))
    return await client.apply(LEPTON_MODEL, MODEL, manager="user")


async def model(client: Client) -> Object:
    return await client.get(LEPTON_MODEL, "team-b", "digits")


WHERE = ("--set", "models.namespaces={team-b}")


def test_models_outlive_upgrades_and_the_release(empty_plane: ControlPlane, release: Release, tmp_path: Path) -> None:
    said = release.run("install", *WHERE, chart=older(tmp_path / "older"))
    assert "kubectl apply -f manifests/samples/digits.yaml" in said
    made = ask(empty_plane, make_model)

    release.run("upgrade", *WHERE, "--set", "operator.replicas=2")
    schema = ask(empty_plane, definition)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "revision" in schema["properties"]["spec"]["properties"]
    assert ask(empty_plane, model) == made
    assert ask(empty_plane, lambda client: client.get(DEPLOYMENT, HOME, "lepton-operator"))["spec"]["replicas"] == 2

    release.run("uninstall", chart=None)
    assert ask(empty_plane, model) == made
    assert ask(empty_plane, lambda client: client.get(CLAIM, "team-b", "lepton"))
    with pytest.raises(ApiError, match="404"):
        ask(empty_plane, lambda client: client.get(CONFIG_MAP, HOME, "lepton-operator"))

    release.run("install", *WHERE)
    assert ask(empty_plane, model) == made


def test_a_second_release_takes_no_definition_that_is_anothers(empty_plane: ControlPlane, release: Release) -> None:
    release.run("install", *WHERE)
    second = Release(empty_plane, "second")
    with pytest.raises(Refused, match="invalid ownership metadata"):
        second.run("install", "--set-json", "models.namespaces=[]")
    second.run("install", "--set-json", "models.namespaces=[]", "--set", "crd.install=false")
    second.run("uninstall", chart=None)
    assert ask(empty_plane, definition)

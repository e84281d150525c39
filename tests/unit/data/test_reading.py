"""With whose credentials the data are read, and where the volumes of a cluster are found."""

import os
from pathlib import Path

import pytest

from lepton import urls
from lepton.errors import LeptonError
from lepton.jobdir import JobDirectory, JobOrder
from lepton.report import Progress
from lepton.spec.reasons import Reason
from lepton.train.data.prepared import Prepared
from lepton.urls import CREDENTIALS, unusable
from services.worker import data as module
from services.worker.data import prepare_data
from services.worker.progress import Reporter
from tests.contract.harness import digits
from tests.unit.data.preparing import in_memory, refused, run, zip_of

ORDER = JobOrder(name="pets-build-1", kind="build", model="pets", revision=1, attempt=0, arguments={})
PRIVATE = {"uri": "s3://pets", "credentialsFrom": {"secretRef": {"name": "pets-s3"}}}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environment in which data were read."""
    found: list[dict[str, str]] = []

    def prepare(*_: object) -> Prepared:
        found.append(dict(os.environ))
        raise LeptonError(Reason.DATA_NOT_FOUND, "no bucket")

    monkeypatch.setattr(module, "prepare", prepare)
    return found


def read(tmp_path: Path, **data: object) -> Progress | None:
    """What was said when the data were read, which ended badly."""
    directory = JobDirectory(tmp_path)
    with pytest.raises(LeptonError):
        prepare_data(ORDER, digits(data=data), tmp_path, Reporter(directory))
    return directory.progress()


def test_the_data_are_read_with_their_own_credentials_and_nothing_else_is_done_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: list[dict[str, str]]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the store's")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv(f"{CREDENTIALS}AWS_ACCESS_KEY_ID", "the data's")
    monkeypatch.setenv(f"{CREDENTIALS}AWS_PROFILE", "data")
    said = read(tmp_path, **PRIVATE)
    assert [(one["AWS_ACCESS_KEY_ID"], one["AWS_PROFILE"]) for one in seen] == [("the data's", "data")]
    assert (os.environ["AWS_ACCESS_KEY_ID"], os.environ.get("AWS_PROFILE")) == ("the store's", None)
    assert said == Progress(stage="data", message="reading s3://pets")


def test_on_a_laptop_the_job_says_that_it_reads_with_the_credentials_at_hand(
    tmp_path: Path, seen: list[dict[str, str]]
) -> None:
    said = read(tmp_path, **PRIVATE)
    hint = "with the environment's credentials: data.credentialsFrom is for clusters"
    assert said == Progress(stage="data", message=f"reading s3://pets {hint}")
    assert len(seen) == 1


def test_a_claim_that_is_mounted_is_read_as_the_folder_that_it_is(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = in_memory(run(pets, tmp_path))
    (tmp_path / "claims" / "zoo" / "sets").mkdir(parents=True)
    zip_of(pets, tmp_path / "claims" / "zoo" / "sets" / "pets.zip")
    monkeypatch.setattr(urls, "CLAIMS", tmp_path / "claims")
    assert in_memory(run("pvc://zoo/sets/pets.zip", tmp_path)) == expected


def test_a_claim_that_is_not_mounted_is_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    reason, message = refused("pvc://zoo/sets/pets.zip", tmp_path)
    assert (reason, message) == (Reason.DATA_NOT_FOUND, f"data.uri: {unusable('pvc://zoo/sets/pets.zip')}")
    assert message.endswith("which this machine has not: give a path or another URL")

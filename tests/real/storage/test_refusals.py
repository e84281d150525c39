"""Whom an object store refuses is told what to do, in a sentence; so is whoever can't reach it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lepton import artifact
from lepton.errors import LeptonError
from lepton.spec.data import Data
from lepton.spec.reasons import Reason
from lepton.train.data.prepare import prepare
from tests.real.storage.test_artifacts import OLD, sealed

OTHERS = "grant access to it, or give other credentials (`lepton down`, then `lepton up`; on a cluster by Secret)"
UNKNOWN = "The AWS Access Key Id you provided does not exist in our records."
UNSIGNED = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
REFUSED = {
    "a wrong key": ({"AWS_ACCESS_KEY_ID": "AKIAOFNOBODY"}, UNKNOWN),
    "a wrong secret": ({"AWS_SECRET_ACCESS_KEY": "guessed"}, UNSIGNED),
    "no credentials": ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Unable to locate credentials"),
}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return sealed(tmp_path / "built", OLD)


def said(attempt: object) -> tuple[Reason, str]:
    assert callable(attempt)
    with pytest.raises(LeptonError) as caught:
        attempt()
    return caught.value.reason, caught.value.message


def change(monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, str]) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)


@pytest.mark.parametrize("credentials", REFUSED)
def test_who_is_refused_is_told_what_to_change_and_let_in_once_it_is_changed(
    credentials: str, built: Path, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, why = REFUSED[credentials]
    with monkeypatch.context() as context:
        change(context, changes)
        for uri in (f"{s3_bucket}/pets", f"{s3_bucket}/pets.zip"):
            reason, message = said(lambda uri=uri: prepare(Data(uri=uri), tmp_path / "work", print))
            assert (reason, message.partition(" (")[0]) == (Reason.DATA_NOT_FOUND, f"data.uri: {uri} may not be read")
            assert message.endswith(f"): {OTHERS}")
        url = f"{s3_bucket}/models/1"
        assert said(lambda: artifact.publish(built, url)) == (
            Reason.STORE_UNWRITABLE,
            f"artifact {url} can't be written ({why}): {OTHERS}; the work then goes on by itself",
        )
        for attempt in (lambda: artifact.fetch(url, tmp_path / "cache"), lambda: artifact.remove(url)):
            reason, message = said(attempt)
            assert (reason, OTHERS in message) == (Reason.STORE_UNWRITABLE, True), message
    artifact.publish(built, url)
    assert artifact.verify(artifact.fetch(url, tmp_path / "cache")) == artifact.verify(built)


def test_a_store_that_does_not_answer_is_tried_again(
    built: Path, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    why = 'Could not connect to the endpoint URL: "http://127.0.0.1:9'
    reason, message = said(lambda: prepare(Data(uri=f"{s3_bucket}/pets.zip"), tmp_path / "work", print))
    assert (reason, why in message) == (Reason.JOB_FAILED, True), message
    assert message.endswith("it is tried again by itself")
    reason, message = said(lambda: artifact.publish(built, f"{s3_bucket}/models/1"))
    assert (reason, why in message) == (Reason.STORE_UNWRITABLE, True), message
    assert message.endswith("see that it can be reached and used; the work then goes on by itself")


@pytest.mark.parametrize(
    ("scheme", "driver", "extra"), [("s3", "s3fs", "s3"), ("gs", "gcsfs", "gcs"), ("gcs", "gcsfs", "gcs")]
)
def test_a_driver_that_is_not_installed_is_named_with_the_command_that_installs_it(
    scheme: str, driver: str, extra: str, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    url, install = f"{scheme}://bucket/x", f'run `pip install "leptonml[{extra}]"`'
    for attempt in (
        lambda: prepare(Data(uri=url), tmp_path / "work", print),
        lambda: artifact.publish(built, url),
    ):
        message = said(attempt)[1]
        assert driver in message and install in message, message

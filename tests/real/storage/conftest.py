"""Buckets that are empty, each of its own, in the object stores of this machine."""

import itertools
from collections.abc import Iterator, Mapping

import pytest

from tests.real.storage.servers import gcs_server, make_bucket, s3_server

NUMBER = itertools.count()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as environment:
        yield environment


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with gcs_server(tmp_path_factory.mktemp("gcs") / "log") as environment:
        yield environment


@pytest.fixture
def s3_bucket(s3: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket; the environment holds the keys to it."""
    return _bucket("s3", s3, monkeypatch)


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket in each kind of store."""
    environment = request.getfixturevalue({"s3": "s3", "gs": "gcs"}[request.param])
    return _bucket(request.param, environment, monkeypatch)


def _bucket(scheme: str, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    url = f"{scheme}://bucket-{next(NUMBER)}"
    make_bucket(url)
    return url

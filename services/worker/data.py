"""The data stage of a build job, which imports neither PyTorch nor Ray: a mistake in the data is told at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lepton.hashing import short_hash
from lepton.jobdir import JobOrder
from lepton.report import Progress
from lepton.spec.resource import Spec
from lepton.train.data.prepare import prepare
from lepton.train.data.prepared import Prepared
from lepton.urls import CREDENTIALS
from services.worker.progress import Reporter


def prepare_data(order: JobOrder, spec: Spec, work: Path, reporter: Reporter) -> Prepared:
    """The examples, read and divided; what an earlier run finished is taken as it is. Raises LeptonError."""
    there = os.environ.items()
    given = {name.removeprefix(CREDENTIALS): value for name, value in there if name.startswith(CREDENTIALS)}
    ignored = spec.data.credentials_from is not None and not given
    hint = " with the environment's credentials: data.credentialsFrom is for clusters" if ignored else ""
    reporter.say(Progress(stage="data", message=f"reading {spec.data.uri}{hint}"))
    with _environment(given):
        return prepare(spec.data, work / f"data-{short_hash(order.name)}", reporter.say)


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    """These variables, for as long as the block lasts: the artifact may lie elsewhere, and wants other credentials."""
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

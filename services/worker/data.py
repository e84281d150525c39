"""The data stage of a build job, which imports neither PyTorch nor Ray: a mistake in the data is told at once."""

from pathlib import Path

from lepton.hashing import short_hash
from lepton.jobdir import JobOrder
from lepton.report import Progress
from lepton.spec.resource import Spec
from lepton.train.data.prepare import prepare
from lepton.train.data.prepared import Prepared
from services.worker.progress import Reporter


def prepare_data(order: JobOrder, spec: Spec, work: Path, reporter: Reporter) -> Prepared:
    """The examples, read and divided; what an earlier run finished is taken as it is. Raises LeptonError."""
    reporter.say(Progress(stage="data", message=f"reading {spec.data.uri}"))
    return prepare(spec.data, work / f"data-{short_hash(order.name)}", reporter.say)

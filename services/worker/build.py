"""What a build job does with its data: train, compress, package.

Each stage works in a folder named by its inputs and is done once.
"""

import shutil
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from lepton import __version__
from lepton.compress.run import Compressed, compress
from lepton.hashing import short_hash
from lepton.jobdir import JobOrder
from lepton.report import Lineage, Progress, Report, Summary
from lepton.spec.resource import Spec
from lepton.spec.train import PLACEMENT
from lepton.train.data.prepared import Prepared
from lepton.train.fit import Fit, Fitted
from lepton.train.run import fit
from services.worker.lineage import code_version, hardware, libraries, without_credentials
from services.worker.package import package
from services.worker.progress import Reporter


def build_revision(order: JobOrder, spec: Spec, work: Path, prepared: Prepared, reporter: Reporter) -> Summary:
    """Make the artifact; what an earlier run finished is taken as it is. Raises LeptonError."""
    artifact = cast(str, order.arguments["artifact"])
    trained = fit(_first_training(spec, prepared, work), reporter.say)
    reporter.say(Progress(stage="compress", message="measuring the uncompressed model"))
    compressed = compress(spec, prepared, trained, work, reporter.say)
    reporter.say(Progress(stage="package", message="writing the artifact"))
    reporter.end_stage()
    report = _report(order, spec, prepared, trained, compressed, reporter.stage_seconds)
    digest = package(artifact, report, compressed, prepared, spec)
    served = next(variant for variant in compressed.variants if variant.name == compressed.served)
    shutil.rmtree(
        prepared.directory, ignore_errors=True
    )  # the next revision reads the source anew: it may have changed
    reporter.end_stage()
    return Summary(
        artifact=artifact,
        digest=digest,
        metrics={"validationAccuracy": served.validation_accuracy, "sizeBytes": float(served.size_bytes)},
        stage_seconds=reporter.stage_seconds,
    )


def _first_training(spec: Spec, prepared: Prepared, work: Path) -> Fit:
    inputs: JsonValue = {
        "data": prepared.digest,
        "image": spec.data.image.model_dump(mode="json"),
        "split": spec.data.split.model_dump(mode="json"),
        "model": spec.model.model_dump(mode="json"),
        "train": spec.train.model_dump(mode="json", exclude=set(PLACEMENT)),
    }
    return Fit(
        model=spec.model,
        train=spec.train,
        data=prepared.directory,
        directory=work / f"train-{short_hash(inputs)}",
        stage="train",
        augment=spec.data.image.augment,
    )


def _published(spec: Spec) -> dict[str, JsonValue]:
    """The spec as the artifact shows it to whoever may read that."""
    uri = without_credentials(spec.data.uri)
    shown = spec.model_copy(update={"data": spec.data.model_copy(update={"uri": uri})})
    return shown.model_dump(mode="json", by_alias=True, exclude_none=True)


def _report(
    order: JobOrder, spec: Spec, prepared: Prepared, trained: Fitted, compressed: Compressed, seconds: dict[str, float]
) -> Report:
    return Report(
        model=order.model,
        spec=_published(spec),
        lineage=Lineage(
            revision=order.revision,
            created=cast(str, order.arguments["created"]),
            lepton_version=__version__,
            code_version=code_version(),
            data_uri=without_credentials(spec.data.uri),
            data_digest=prepared.digest,
            seed=spec.train.seed,
            libraries=libraries(),
            hardware=hardware(),
        ),
        classes=prepared.classes,
        data=prepared.report,
        precision=trained.precision,
        epochs=trained.epochs + compressed.epochs,
        variants=compressed.variants,
        served=compressed.served,
        stage_seconds=seconds,
    )

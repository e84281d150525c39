"""A sealed artifact around a given graph, made by the real packaging without training anything."""

from pathlib import Path

from lepton.report import DataReport, Lineage, Report
from lepton.spec.deploy import Deploy
from services.worker.package import Parts, write_artifact
from tests.real.serving import quadrants


def report(classes: tuple[str, ...], shape: tuple[int, int, int]) -> Report:
    """As little of a report as packaging needs."""
    lineage = Lineage(
        revision=1,
        created="2026-01-01T00:00:00Z",
        lepton_version="0",
        code_version="sha256:0",
        data_uri="test://",
        data_digest="sha256:0",
        seed=0,
        libraries={},
        hardware={},
    )
    data = DataReport(train=0, validation=0, test=0, per_class={}, corrupt=0, duplicates=0, image_shape=shape)
    return Report(model="test", spec={}, lineage=lineage, classes=classes, data=data)


def quadrants_artifact(
    directory: Path,
    *,
    holdout: int = 8,
    served: tuple[int, ...] = (0, 1, 2, 3),
    deploy: Deploy = Deploy(),  # noqa: B008 - frozen
) -> str:
    """Write the artifact of the quadrants model to an empty folder. Returns its digest."""
    scratch = directory.parent / f"{directory.name}-parts"
    scratch.mkdir(parents=True)
    parts = Parts(
        served_onnx=quadrants.quadrants_onnx(scratch / "served.onnx", order=served),
        baseline_onnx=quadrants.quadrants_onnx(scratch / "baseline.onnx"),
        holdout=quadrants.write_holdout(scratch / "holdout.zip", holdout),
        shape=quadrants.SHAPE,
        resize="stretch",
        deploy=deploy,
    )
    directory.mkdir()
    return write_artifact(directory, report(quadrants.CLASSES, quadrants.SHAPE), parts)

"""The package stage: writes the artifact, the one folder from which a revision is served, proved and compared.

The build job calls it last. The served model's code is copied in verbatim, so what was measured is what is served
for as long as the artifact lives, whatever version of Lepton loads it.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lepton.artifact import publish, write_digest
from lepton.deploy.engines.triton import Shape, model_config, model_json
from lepton.files import as_lepton_error
from lepton.report import Report
from lepton.spec.deploy import Deploy
from lepton.spec.resource import Spec
from lepton.train.data import image
from services import server

if TYPE_CHECKING:
    from lepton.compress.run import Compressed
    from lepton.train.data.prepared import Prepared

SERVER_CODE = ("model.py", "metrics.py", "seal.py")


@dataclass(frozen=True)
class Parts:
    """What an artifact is made of, beside its report."""

    served_onnx: Path
    """The model that serves: `image` uint8 [batch, height, width, channels] to `probabilities` [batch, classes]."""
    baseline_onnx: Path
    """The uncompressed model, of the same form."""
    holdout: Path
    """holdout.zip, the held-out images as they came."""
    shape: Shape
    """Height, width, channels."""
    resize: str
    """How an image of another shape becomes square: stretch, crop or pad."""
    deploy: Deploy
    """How it is served."""


def package(url: str, report: Report, compressed: "Compressed", prepared: "Prepared", spec: Spec) -> str:
    """Write the artifact to url (any fsspec URL, or a path). Returns its digest. Raises LeptonError."""
    parts = Parts(
        served_onnx=compressed.served_onnx,
        baseline_onnx=compressed.baseline_onnx,
        holdout=prepared.holdout,
        shape=prepared.shape,
        resize=spec.data.image.resize,
        deploy=spec.deploy,
    )
    with tempfile.TemporaryDirectory(prefix="lepton-package-") as temporary:
        directory = Path(temporary)
        digest = write_artifact(directory, report, parts)
        publish(directory, url)
    return digest


def write_artifact(directory: Path, report: Report, parts: Parts) -> str:
    """Fill the empty folder with the sealed artifact. Returns its digest. Raises LeptonError, as on a full disk."""
    try:
        _write_model(directory / "repository" / "model", parts.served_onnx, report.classes, parts)
        _write_model(directory / "baseline" / "model", parts.baseline_onnx, report.classes, parts)
        shutil.copyfile(parts.holdout, directory / "holdout.zip")
        (directory / "report.json").write_text(report.model_dump_json(by_alias=True, indent=2) + "\n")
    except OSError as error:
        raise as_lepton_error(error, directory) from error
    return write_digest(directory)


def _write_model(model: Path, onnx: Path, classes: tuple[str, ...], parts: Parts) -> None:
    version = model / "1"
    version.mkdir(parents=True)
    (model / "config.pbtxt").write_text(model_config(classes, parts.shape, parts.deploy))
    (version / "model.json").write_text(model_json(classes, parts.shape, parts.resize, parts.deploy))
    shutil.copyfile(onnx, version / "model.onnx")
    shutil.copyfile(str(image.__file__), version / "image.py")
    for name in SERVER_CODE:
        shutil.copyfile(Path(str(server.__file__)).parent / name, version / name)
    (version / "__pycache__").write_text("A file, so that Python can't leave bytecode here that nobody sealed.\n")

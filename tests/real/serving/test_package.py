"""The packaging as the build job calls it; what it writes is loaded in test_served_model.py."""

import json
from pathlib import Path

import pytest

from lepton.artifact import fetch, verify
from lepton.compress.run import Compressed
from lepton.report import Report
from lepton.spec.resource import Spec
from lepton.train.data.image import decode
from lepton.train.data.prepared import Prepared
from services.worker.package import package
from tests.real.serving import quadrants
from tests.real.serving.artifacts import report

SPEC = Spec.model_validate(
    {"task": "image-classification", "data": {"uri": "test://", "image": {"resize": "crop"}}, "deploy": {"topK": 2}}
)
MODEL_FILES = (
    "config.pbtxt",
    "1/__pycache__",
    "1/image.py",
    "1/metrics.py",
    "1/model.json",
    "1/model.onnx",
    "1/model.py",
    "1/seal.py",
)


@pytest.fixture
def built(tmp_path: Path) -> tuple[Report, Compressed, Prepared]:
    """What the earlier stages hand over."""
    baseline = quadrants.quadrants_onnx(tmp_path / "baseline.onnx")
    served = quadrants.quadrants_onnx(tmp_path / "served.onnx", sharpness=4.0)
    plain = report(quadrants.CLASSES, quadrants.SHAPE)
    quadrants.write_holdout(tmp_path / "holdout.zip", 4)
    return (
        plain.model_copy(update={"spec": SPEC.model_dump(mode="json", by_alias=True, exclude_none=True)}),
        Compressed((), (), baseline, served, "1-quantize"),
        Prepared(tmp_path, quadrants.CLASSES, quadrants.SHAPE, (0.5,), (0.5,), "sha256:0", plain.data),
    )


def test_the_artifact_holds_all_that_serving_and_proof_need_and_nothing_else(built, tmp_path):
    digest = package(str(tmp_path / "store/1"), *built, SPEC)
    artifact = fetch(str(tmp_path / "store/1"), tmp_path / "cache")
    assert verify(artifact) == digest
    assert {path.relative_to(artifact).as_posix() for path in artifact.rglob("*") if path.is_file()} == {
        "digest",
        "holdout.zip",
        "report.json",
        *(f"{variant}/model/{name}" for variant in ("repository", "baseline") for name in MODEL_FILES),
    }
    assert Report.model_validate_json((artifact / "report.json").read_bytes()) == built[0]
    for variant, onnx in (("repository", built[1].served_onnx), ("baseline", built[1].baseline_onnx)):
        version = artifact / variant / "model" / "1"
        assert (version / "model.onnx").read_bytes() == onnx.read_bytes()
        settings = json.loads((version / "model.json").read_text())
        assert (settings["resize"], settings["topK"]) == ("crop", 2)
    assert decode.__code__.co_filename.endswith("image.py")
    assert (version / "image.py").read_bytes() == Path(decode.__code__.co_filename).read_bytes()


def test_the_same_parts_make_the_same_artifact_and_other_parts_another(built, tmp_path):
    report_, compressed, prepared = built
    first = package(str(tmp_path / "store/1"), report_, compressed, prepared, SPEC)
    assert package(str(tmp_path / "store/2"), report_, compressed, prepared, SPEC) == first
    assert package(str(tmp_path / "store/2"), report_.model_copy(update={"served": "x"}), *built[1:], SPEC) != first

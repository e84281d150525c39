"""The command from end to end with data and artifacts in S3: built, proved, served, asked, deleted without a trace."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.files import open_url
from tests.installation import Installation, free_ports
from tests.real.storage.conftest import names
from tests.unit.data.pictures import encoded, picture

PETS = """\
apiVersion: leptonml.dev/v1alpha1
kind: LeptonModel
metadata: {{name: pets}}
spec:
  task: image-classification
  data: {{uri: "{bucket}/pets"}}
  model: {{architecture: cnn, width: 4}}
  train: {{epochs: 6, precision: float32}}
  gate: {{maxAccuracyDrop: 100}}
"""


def dark_and_light(root: Path) -> Path:
    """Pictures that any network tells apart."""
    for number in range(80):
        path = root / ("dark", "light")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(number).point([value // 2 + 127 * (number % 2) for value in range(256)] * 3)))
    return root


@pytest.fixture
def installation(s3_bucket: str, tmp_path: Path) -> Iterator[Installation]:
    """A Lepton that keeps its artifacts in a bucket."""
    http, grpc, triton, loop = free_ports(4)
    installation = Installation(tmp_path / "home", (http, grpc, triton, loop))
    options = ("--http-port", "--grpc-port", "--triton-metrics-port", "--metrics-port")
    ports = [word for option, port in zip(options, installation.ports, strict=True) for word in (option, str(port))]
    try:
        installation.lepton("up", "--artifacts", f"{s3_bucket}/models", *ports)
        yield installation
    finally:
        installation.down()


def test_a_model_lives_in_a_bucket_and_leaves_it_clean(
    installation: Installation, s3_bucket: str, tmp_path: Path
) -> None:
    folder = dark_and_light(tmp_path / "pets")
    files, path = open_url(s3_bucket)
    files.put(f"{folder}/", f"{path}/pets", recursive=True)
    data = names(s3_bucket)

    installation.lepton("apply", "-f", "-", "--wait", stdin=PETS.format(bucket=s3_bucket))
    (build,) = {name.split("/")[2] for name in names(s3_bucket) if name.startswith("models/pets/")}
    place = f"{s3_bucket}/models/pets/{build}"
    assert {"digest", "gate.json", "holdout.zip", "report.json"} <= set(names(place))
    (revision,) = installation.get("pets")["status"]["revisions"]
    assert (revision["artifact"], revision["outcome"]) == (place, "Passed")
    assert not any(file.is_file() for file in (installation.home / "artifacts").rglob("*"))
    answer = json.loads(installation.lepton("predict", "pets", str(folder / "dark/0.png"), "-o", "json"))
    assert answer["predictions"][0]["label"] == "dark"
    report = json.loads(installation.lepton("report", "pets", "-o", "json"))
    assert report["gate"]["digest"] == revision["digest"]

    with pytest.MonkeyPatch.context() as context:
        context.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
        refused = installation.ask("report", "pets")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"error: artifact {place} can't be read (Forbidden): grant access to it"), refused

    installation.lepton("delete", "pets")
    assert names(s3_bucket) == data

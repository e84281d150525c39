"""One operator and one world for all tests of the command."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lepton.cli.cluster.checks import why_idle
from tests.cluster.cli.harness import PATIENCE_S, Cluster, asked, played
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator
from tests.installation import wait_until


@pytest.fixture(scope="package")
def running(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path_factory.mktemp("cli") / "operator")
    made.start()
    with played(control_plane):
        wait_until(lambda: asked(control_plane, why_idle) is None, "the operator holds its lease", PATIENCE_S)
        yield made
    made.kill()


@pytest.fixture
def cluster(
    control_plane: ControlPlane,
    running: Operator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Cluster:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    monkeypatch.setenv("LEPTON_HOME", str(tmp_path / "no-home"))
    return Cluster(control_plane, running, lambda: tuple(capsys.readouterr()))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def write(name: str, text: str = "train: {epochs: 3}") -> Path:
        path = tmp_path_factory.mktemp("files") / f"{name}.yaml"
        head = f"apiVersion: leptonml.dev/v1alpha1\nkind: LeptonModel\nmetadata: {{name: {name}}}\n"
        path.write_text(f'{head}spec:\n  task: image-classification\n  data: {{uri: "sklearn://digits"}}\n  {text}\n')
        return path

    return write

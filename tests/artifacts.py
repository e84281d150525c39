"""Artifacts for tests: any files under a seal, and how one is ordered from Triton."""

from pathlib import Path

from lepton.artifact import write_digest
from lepton.backends.local.models import Served


def sealed(directory: Path, content: dict[str, bytes]) -> Path:
    """Write files and their digest into a folder; the folder."""
    for name, value in content.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(value)
    write_digest(directory)
    return directory


def traffic(name: str, artifact: Path, digest: str, instances: int = 1) -> Served:
    """The order to let an artifact answer under the name of its model."""
    return Served(
        name=name,
        kind="Traffic",
        namespace="default",
        model=name,
        variant="served",
        artifact=str(artifact),
        digest=digest,
        instances=instances,
    )

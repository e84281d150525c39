"""What the operator of one cluster knows that no LeptonModel says: images, storage, credentials."""

from lepton.spec.fields import Section


class Settings(Section):
    """Written by the chart."""

    worker_image: str
    """Runs builds and gates; holds torch and Ray."""
    server_image: str
    """Runs Triton and the fetcher."""
    artifacts: str
    """URL of the folder that artifacts go to; `file:///lepton/artifacts` is on the claim."""
    claim: str = "lepton"
    """PersistentVolumeClaim of checkpoints, mounted by every job at /lepton."""
    secret: str = ""
    """Secret whose entries become the environment of jobs and servers: credentials of the store; none where empty."""
    ray_version: str = "2.60.0"
    """Of the worker's image."""

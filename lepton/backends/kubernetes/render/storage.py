"""Where a model's files lie: in the artifact store, and on the claim that jobs mount. Pure.

The builds write there and the cleanup removes it; so it is said once.
"""

from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key

CLAIM = "/lepton"
"""Where the claim is mounted."""


def artifacts(key: Key, settings: Settings) -> str:
    """URL of the folder of a model's artifacts."""
    return f"{settings.artifacts.rstrip('/')}/{key.namespace}/{key.name}"


def work(key: Key) -> str:
    """The folder in which a model's builds keep their checkpoints."""
    return f"{CLAIM}/work/{key.namespace}/{key.name}"


def credentials(settings: Settings) -> Object:
    """What a container needs of the environment to reach the store; nothing where no Secret is named."""
    return {"envFrom": [{"secretRef": {"name": settings.secret}}]} if settings.secret else {}

"""Brings an artifact into the server's folder and verifies it, before the server starts.

`python -m services.server.fetch ARTIFACT DIGEST FOLDER`, in an init container: it alone has the store's credentials.
Why it failed is its termination message.
"""

import sys
from pathlib import Path

from lepton.artifact import fetch
from lepton.backends.local.home import Home
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from services.lastwords import done


def main() -> int:
    """Fetch what the arguments say. Returns the exit status."""
    artifact, digest, folder = sys.argv[1:]
    return done(lambda: bring(artifact, digest, Path(folder)))


def bring(artifact: str, digest: str, folder: Path) -> None:
    """Fetch and verify it. Raises LeptonError, also where it is not what the build made."""
    copy = fetch(artifact, Home(folder).make().cache)
    if f"sha256:{copy.name}" != digest:
        message = f"artifact {artifact} has sha256:{copy.name}, but the build made {digest}: build it again"
        raise LeptonError(Reason.DIGEST_MISMATCH, message)


if __name__ == "__main__":
    sys.exit(main())

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
from services.lastwords import tell


def main() -> int:
    """Fetch what the arguments say. Returns the exit status."""
    artifact, digest, folder = sys.argv[1:]
    try:
        copy = fetch(artifact, Home(Path(folder)).make().cache)
        if f"sha256:{copy.name}" != digest:
            message = f"artifact {artifact} has sha256:{copy.name}, but the build made {digest}: build it again"
            raise LeptonError(Reason.DIGEST_MISMATCH, message)
    except LeptonError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - the container's log
        tell(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Removes what a deleted model left behind: `python -m services.worker.remove URL...`, in a pod of the worker's image.

The operator never opens the store; so this runs before the LeptonModel may go. Why it failed is its termination
message.
"""

import sys

from lepton.artifact import remove
from lepton.errors import LeptonError
from services.lastwords import tell


def main() -> int:
    """Remove each folder that the arguments name, with all in it. Returns the exit status."""
    try:
        for url in sys.argv[1:]:
            remove(url)
    except LeptonError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - the container's log
        tell(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

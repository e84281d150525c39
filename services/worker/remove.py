"""Removes what a deleted model left behind: `python -m services.worker.remove URL...`, in a pod of the worker's image.

The operator never opens the store; so this runs before the LeptonModel may go. Why it failed is its termination
message.
"""

import sys
from collections.abc import Sequence

from lepton.artifact import remove
from services.lastwords import done


def main() -> int:
    """Remove what the arguments name. Returns the exit status."""
    return done(lambda: remove_all(sys.argv[1:]))


def remove_all(urls: Sequence[str]) -> None:
    """Remove each of these folders, with all in it. Raises LeptonError."""
    for url in urls:
        remove(url)


if __name__ == "__main__":
    sys.exit(main())

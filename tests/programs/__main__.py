"""`python -m tests.programs NAME...`: have programs ready, say where they are; by default those of `make cluster`."""

import sys

from tests.programs.programs import CONTROL_PLANE, MONITORING, find

for name in sys.argv[1:] or CONTROL_PLANE + MONITORING:
    print(f"{name}: {find(name)}", flush=True)  # noqa: T201 - for whoever waits meanwhile

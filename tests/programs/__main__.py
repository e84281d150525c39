"""`python -m tests.programs NAME...`: have programs ready, say where they are; by default those of a control plane."""

import sys

from tests.programs.programs import CONTROL_PLANE, find

for name in sys.argv[1:] or CONTROL_PLANE:
    print(f"{name}: {find(name)}", flush=True)  # noqa: T201 - for whoever waits meanwhile

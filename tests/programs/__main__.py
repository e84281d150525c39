"""`python -m tests.programs NAME...`: have programs ready, and say where they are; by default the control plane."""

import sys

from tests.programs.programs import CONTROL_PLANE, find

for name in sys.argv[1:] or CONTROL_PLANE:
    print(f"{name}: {find(name)}", flush=True)  # noqa: T201 - for whoever waits meanwhile

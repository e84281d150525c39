"""A cluster of Kubernetes as the place where models live.

`import kubernetes` imports the client's synchronous half and the clouds' sign-in with it, a quarter of the CPU that the
operator took to start, and 17 MB of its memory. Only the asynchronous half is used here: so the package is known
without its contents, and whoever wants other parts of it imports them by name.
"""

import sys
from importlib.util import find_spec, module_from_spec

if "kubernetes" not in sys.modules and (_spec := find_spec("kubernetes")) is not None:
    sys.modules["kubernetes"] = module_from_spec(_spec)

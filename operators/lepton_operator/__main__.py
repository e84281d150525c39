"""`python -m operators.lepton_operator`: the operator's process. The chart sets its environment.

LEPTON_NAMESPACE is where its lease lies, LEPTON_IDENTITY as whom it holds it; LEPTON_WATCH the one namespace that it
looks after (all where empty); LEPTON_SETTINGS a file with what it must know of the cluster; LEPTON_LISTEN where probes
and Prometheus ask.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from lepton.backends.kubernetes.settings import Settings
from operators.lepton_operator.lease import Lost
from operators.lepton_operator.logs import configure
from operators.lepton_operator.operator import Options, operate

log = logging.getLogger("lepton.operator")

_ALLOCATIONS = 20_000
"""After so many, garbage is looked for: more than one page of a list makes, which is none."""


async def run(settings: Settings, options: Options) -> int:
    """Operate until SIGTERM or until the lease is lost. Returns the exit status."""
    try:
        config.load_incluster_config()  # type: ignore[no-untyped-call]  # untyped in the client
    except config.ConfigException:
        await config.load_kube_config()  # type: ignore[no-untyped-call]  # untyped in the client
    configuration = Configuration.get_default_copy()
    configuration.client_session_kwargs = {"trust_env": False}  # else each request looks for .netrc and for proxies
    async with ApiClient(configuration) as api:
        task = asyncio.create_task(operate(api, settings, options))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task
    return 0


def main() -> int:
    """Read the settings and run."""
    gc.freeze()  # what was imported stays: looking through it for garbage took longer than to read a list of objects
    gc.set_threshold(_ALLOCATIONS)
    configure()
    path = Path(os.environ.get("LEPTON_SETTINGS", "/etc/lepton/settings.yaml"))
    try:
        settings = Settings.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, ValueError, yaml.YAMLError) as error:
        log.error("can't read the settings %s (%s): mend the values of the chart", path, error)
        return 2
    host, _, port = os.environ.get("LEPTON_LISTEN", "0.0.0.0:8080").rpartition(":")
    options = Options(
        home=os.environ.get("LEPTON_NAMESPACE", "lepton-system"),
        identity=os.environ.get("LEPTON_IDENTITY") or socket.gethostname(),
        watched=os.environ.get("LEPTON_WATCH") or None,
        host=host,
        port=int(port),
    )
    try:
        return asyncio.run(run(settings, options))
    except* Lost:
        log.error("%s lost the lease in namespace %s: it ends, to follow", options.identity, options.home)
    return 1


if __name__ == "__main__":
    sys.exit(main())

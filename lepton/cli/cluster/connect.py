"""The way to a cluster: a context of the kubeconfig, read as kubectl reads it, and a client of its API server."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from lepton.cli.errors import USAGE, CommandError


@dataclass(frozen=True)
class Connection:
    """A client, and what its context says."""

    api: ApiClient
    client: Client
    server: str
    """URL of the API server."""
    namespace: str


async def connect(context: str) -> Connection:
    """Read the context and its credentials; nothing is asked of the cluster. Raises CommandError."""
    files = _files()
    namespaces = _namespaces(files)
    if context not in namespaces:
        known = ", ".join(sorted(namespaces)) or "none"
        message = f"--context: given {context!r}, which {os.pathsep.join(map(str, files))} does not have"
        raise CommandError(f"{message}; it has: {known}", USAGE)
    try:
        paths = os.pathsep.join(str(path) for path in files)
        api = await config.new_client_from_config(paths, context, persist_config=False)  # type: ignore[no-untyped-call]  # untyped in the client
    except Exception as error:  # the client checks no types in the file, and raises what a wrong one leads to
        mend = "mend that context, and see that `kubectl --context` works with it"
        raise CommandError(f"context {context!r} can't be used ({' '.join(str(error).split())}): {mend}") from error
    return Connection(api, Client(api), api.configuration.host, namespaces[context])


def _files() -> list[Path]:
    """The kubeconfigs that there are. Raises CommandError where there is none."""
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    paths = [Path(one).expanduser() for one in named.split(os.pathsep) if one]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise CommandError(f"there is no kubeconfig at {named}: set KUBECONFIG to the one that kubectl uses", USAGE)
    return found


def _namespaces(files: list[Path]) -> dict[str, str]:
    """The namespace of every context; where a name stands twice, the first counts."""
    found: dict[str, str] = {}
    for path in files:
        try:
            document = yaml.safe_load(path.read_text()) or {}
            for one in document.get("contexts") or ():
                found.setdefault(str(one["name"]), str(one["context"].get("namespace") or "default"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise CommandError(f"{path} is no kubeconfig ({type(error).__name__}): mend it", USAGE) from error
    return found

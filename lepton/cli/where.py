"""Which place is meant, by what was typed before the verb. Called by app and demo, once a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lepton.cli.errors import CommandError
from lepton.cli.place import Place


@dataclass(frozen=True)
class Where:
    """What was typed before the verb."""

    context: str | None = None
    """Of the kubeconfig; None: this machine."""
    namespace: str | None = None
    """Of the cluster; None: the context's own."""


@contextmanager
def open_place(where: Where) -> Iterator[Place]:
    """The place that is meant. Raises CommandError where there is no such place."""
    # imported when needed: a cluster's client takes a second to import
    if where.context is None:
        from lepton.cli.machine import Machine  # noqa: PLC0415

        place: Place = Machine(where.namespace)
    else:
        try:
            from lepton.cli.cluster.place import Cluster  # noqa: PLC0415
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in ("kubernetes", "aiohttp"):
                raise
            message = f"--context needs the package {package}, which is not installed: pip install 'leptonml[operator]'"
            raise CommandError(message) from error
        place = Cluster(where.context, where.namespace)
    try:
        yield place
    finally:
        place.close()

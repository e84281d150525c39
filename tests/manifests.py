"""What tests look for in objects of Kubernetes."""

from collections.abc import Iterator

from lepton.backends.kubernetes.kinds import Object


def pods(value: object) -> Iterator[Object]:
    """Every description of a pod in an object, also where KServe's own fields stand beside it."""
    if isinstance(value, dict):
        if "containers" in value:
            yield value
        for below in value.values():
            yield from pods(below)
    elif isinstance(value, list):
        for below in value:
            yield from pods(below)

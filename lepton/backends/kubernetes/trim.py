"""What the cache keeps of an object: all of it that is ever read, cut out of its JSON. Pure.

What is kept stays JSON, and is copied unparsed: most of a list is never looked at, and the fields that tell who manages
what, half of each object, are passed over.
"""

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder, encode

from lepton.backends.kubernetes.kinds import JOB, POD, RAY_JOB, Kind, Object

_UNREAD = {RAY_JOB: ("rayClusterSpec",), JOB: ("template",), POD: ("initContainers", "volumes")}
"""Parts of a spec that nobody reads again: a run is never changed, and what makes a pod tells what is in it, but for
the resources that its containers ask for."""
_TOLD_BY_KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"


class Metadata(Struct, rename="camel", omit_defaults=True):
    """What is read of an object's metadata."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int | UnsetType = UNSET
    creation_timestamp: str | UnsetType = UNSET
    deletion_timestamp: str | UnsetType = UNSET
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []
    owner_references: Raw | UnsetType = UNSET


class _Container(Struct):
    resources: Raw = Raw(b"{}")


class _Whole(Struct, omit_defaults=True):
    metadata: Metadata
    data: Raw | UnsetType = UNSET
    spec: Raw | UnsetType = UNSET
    status: Raw | UnsetType = UNSET


class _Versioned(Struct):
    metadata: Metadata


_versioned = Decoder(_Versioned)
_whole = Decoder(_Whole)
_parts = Decoder(dict[str, Raw])
_containers = Decoder(list[_Container])


def trim(kind: Kind, object_: Object | Raw) -> tuple[Metadata, bytes]:
    """The metadata of an object, and what is kept of it as JSON, without its version."""
    whole = _whole.decode(object_ if isinstance(object_, Raw) else encode(object_))
    metadata = whole.metadata
    metadata.annotations.pop(_TOLD_BY_KUBECTL, None)
    if kind in _UNREAD and isinstance(whole.spec, Raw):
        whole.spec = _spec(kind, whole.spec)
    version, metadata.resource_version = metadata.resource_version, ""
    kept = encode(whole)
    metadata.resource_version = version
    return metadata, kept


def version_of(object_: Raw) -> str:
    """The version at which an object, or a bookmark, was told of."""
    return _versioned.decode(object_).metadata.resource_version


def _spec(kind: Kind, spec: Raw) -> Raw:
    parts = {name: part for name, part in _parts.decode(spec).items() if name not in _UNREAD[kind]}
    if kind == POD:
        parts["containers"] = Raw(encode(_containers.decode(parts["containers"])))
    return Raw(encode(parts))

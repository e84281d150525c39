"""Whether an object is already as it should be, so that nothing is written. Pure."""

from collections.abc import Iterable
from typing import Any

_WHOLE = frozenset({"backendRefs"})
"""Lists to which nobody adds."""


def covers(live: Any, wanted: Any) -> bool:
    """Whether each field that is wanted has its value in what is there; what others added besides does not count.

    Lists of things with names are compared by name, others item by item; a backend that is in a route and not wanted
    there counts.
    """
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_has(live, name, value) for name, value in wanted.items())
    if not isinstance(wanted, list):
        return bool(live == wanted)
    if not isinstance(live, list):
        return False
    if all(isinstance(one, dict) and "name" in one for one in (*wanted, *live)):
        there = {one["name"]: one for one in live}
        return _each((there.get(one["name"]), one) for one in wanted)
    return len(live) == len(wanted) and _each(zip(live, wanted, strict=True))


def _has(live: dict[str, Any], name: str, wanted: Any) -> bool:
    there = live.get(name)
    if name in _WHOLE and isinstance(there, list) and len(there) != len(wanted):
        return False
    return _each([(there, wanted)])


def _each(pairs: Iterable[tuple[Any, Any]]) -> bool:
    """Most parts are equal as a whole, which is seen at once."""
    return all(live == wanted or covers(live, wanted) for live, wanted in pairs)

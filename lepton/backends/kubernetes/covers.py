"""Whether an object is already as it should be, so that nothing is written. Pure."""

from typing import Any

_WHOLE = frozenset({"backendRefs", "parentRefs"})
"""Lists to which nobody adds."""


def covers(live: Any, wanted: Any) -> bool:
    """Whether each field that is wanted has its value in what is there; what others added besides does not count.

    Lists of things with names are compared by name, others item by item; a backend or a Gateway that is in a route and
    not wanted there counts.
    """
    if live == wanted:  # most parts are, which is seen at once
        return True
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_has(live.get(name), name, value) for name, value in wanted.items())
    if not isinstance(wanted, list) or not isinstance(live, list):
        return False
    if all(isinstance(one, dict) and "name" in one for one in (*wanted, *live)):
        there = {one["name"]: one for one in live}
        return all(covers(there.get(one["name"]), one) for one in wanted)
    return len(live) == len(wanted) and all(map(covers, live, wanted))


def _has(there: Any, name: str, wanted: Any) -> bool:
    if name in _WHOLE and isinstance(there, list) and len(there) != len(wanted):
        return False
    return covers(there, wanted)

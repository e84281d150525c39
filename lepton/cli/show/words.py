"""Figures in words for people: percent, sizes, durations, ages, ratios. Pure; called by everything that shows."""

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
NOTHING = "-"


def percent(value: float | None) -> str:
    """`97.31 %`, or a dash where nothing was measured."""
    return NOTHING if value is None else f"{value:.2f} %"


def size(num_bytes: float | None) -> str:
    """`117.6 KiB`: binary units, as budgets are given in MiB."""
    if num_bytes is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB"):
        if num_bytes < 1024:
            return f"{num_bytes:.0f} B" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1024
    return f"{num_bytes:.1f} GiB"


def milliseconds(value: float | None) -> str:
    """`0.41 ms`; three digits below a tenth, so that small models can still be told apart."""
    if value is None:
        return NOTHING
    return f"{value:.3f} ms" if value < 0.1 else f"{value:.2f} ms"


def count(value: float) -> str:
    """`1.24 M`: a number of operations or parameters, to three digits."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: two units at most."""
    whole = max(0, round(seconds))
    for unit, name, smaller, smaller_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{whole} s"


def age(since: str, now: float) -> str:
    """How long ago an RFC 3339 time was, in its largest unit as kubectl shows it: `45s`, `3m`, `2h`, `5d`."""
    seconds = max(0, int(now - datetime.fromisoformat(since).timestamp()))
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


def times(before: float, after: float, better: str, worse: str) -> str:
    """`10.5x smaller`: by what factor something shrank, or grew."""
    if before <= 0 or after <= 0:
        return NOTHING
    factor = before / after
    if 0.95 < factor < 1.05:
        return "about the same"
    return f"{factor:.1f}x {better}" if factor >= 1 else f"{1 / factor:.1f}x {worse}"


def points(before: float, after: float) -> str:
    """`-0.28 points`: the change of a percentage."""
    return f"{after - before:+.2f} points"


def in_short(digest: str) -> str:
    """The first twelve digits of a sha256, enough to tell artifacts apart by eye."""
    return digest.removeprefix("sha256:")[:12]

"""Who learns, who chooses and who proves: the stratified division of examples, and the choice of fewer.

Pure: the same examples and seed give the same division whatever order they are listed in.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from lepton.errors import LeptonError
from lepton.spec.data import Split
from lepton.spec.reasons import Reason
from lepton.train.data.prepared import SIDES, Side

FEWEST = 3
"""Different images that a class must have: one for each side."""


def divide(labels: Sequence[str], contents: Sequence[bytes], split: Split) -> dict[Side, list[int]]:
    """Indices of the examples on each side, sorted by content.

    Stratified by class. Equal contents form a group that falls on one side as a whole; where they contradict each
    other in class, the group counts for the class that most of them have. Raises LeptonError with DATA_INVALID when a
    class has fewer than three groups.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, content in enumerate(contents):
        groups[content].append(index)
    strata: dict[str, list[bytes]] = {label: [] for label in set(labels)}
    for content, members in groups.items():
        strata[_commonest([labels[index] for index in members])].append(content)
    sides: dict[Side, list[int]] = {side: [] for side in SIDES}
    for label in sorted(strata):
        ordered = sorted(strata[label], key=lambda content: _lot(split.seed, content))
        if len(ordered) < FEWEST:
            raise _too_few(label, len(ordered))
        for side, chosen in _deal(ordered, [len(groups[content]) for content in ordered], split).items():
            sides[side] += [index for content in chosen for index in groups[content]]
    for indices in sides.values():
        indices.sort(key=lambda index: (contents[index], labels[index]))
    return sides


def choose(labels: Sequence[str], names: Sequence[str], limit: int | None, seed: int) -> list[int]:
    """Rows of at most limit examples, each class in proportion but never below three; all rows when limit is None.

    Raises LeptonError with DATA_INVALID when the limit can't hold three of each class.
    """
    if limit is None or limit >= len(labels):
        return list(range(len(labels)))
    sizes = Counter(labels)
    if limit < FEWEST * len(sizes):
        problem = f"data.limit {limit} is too small for {len(sizes)} classes: give {FEWEST * len(sizes)} or more"
        raise LeptonError(Reason.DATA_INVALID, problem)
    members: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        members[label].append(row)
    queue: list[tuple[float, str, int]] = []
    for label, rows in members.items():
        rows.sort(key=lambda row: _lot(seed, names[row].encode(errors="surrogateescape")))
        # Places in a common queue: the first three of each class, then every class at an even pace.
        queue += [(rank / sizes[label] if rank >= FEWEST else -1.0, label, row) for rank, row in enumerate(rows)]
    return sorted(row for _, _, row in sorted(queue)[:limit])


def _deal(ordered: Sequence[bytes], sizes: Sequence[int], split: Split) -> dict[Side, list[bytes]]:
    """Groups for each side: the smallest open the sides, so that none stays empty; the others go where they fit."""
    total = sum(sizes)
    room: dict[Side, int] = {"test": round(total * split.test), "validation": round(total * split.validation)}
    sides: dict[Side, list[bytes]] = {side: [] for side in SIDES}
    by_size = sorted(range(len(ordered)), key=lambda place: sizes[place])
    first: list[Side] = ["test", "validation", "train"]
    for place, side in zip(by_size, first, strict=False):
        sides[side].append(ordered[place])
        room[side] = room.get(side, total) - sizes[place]
    for place in sorted(by_size[len(first) :]):
        side = next((side for side in first if sizes[place] <= room[side]), "train")
        sides[side].append(ordered[place])
        room[side] -= sizes[place]
    return sides


def _commonest(labels: Sequence[str]) -> str:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def _lot(seed: int, content: bytes) -> bytes:
    return hashlib.sha256(b"%d/" % seed + content).digest()


def _too_few(label: str, different: int) -> LeptonError:
    problem = f"class {label} has {different} different images of its own that can be read"
    remedy = f"it needs at least {FEWEST}, one each for training, validation and test: add images or remove the class"
    return LeptonError(Reason.DATA_INVALID, f"data.uri: {problem}; {remedy}")

"""From data.uri to arrays on disk: list, choose, decode, divide, measure, and keep the held-out images raw.

Called by the build job. A folder that a killed run left half-written is begun anew; a finished one is returned.
"""

import hashlib
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lepton.errors import LeptonError
from lepton.files import as_lepton_error
from lepton.report import DataReport, Progress, Say
from lepton.spec.data import Data, Image
from lepton.spec.reasons import Reason
from lepton.train.data.arrays import mean_and_std, write_images, write_labels
from lepton.train.data.decoding import Decoded, decode_all, find_shape, names_of
from lepton.train.data.holdout import write_holdout
from lepton.train.data.prepared import SIDES, Prepared, Side, finish, load
from lepton.train.data.sources.base import Source
from lepton.train.data.sources.registry import open_source
from lepton.train.data.split import choose, divide

SCRATCH = "scratch"
SECONDS_BETWEEN_WORDS = 0.5
DECODING_SHARE = 0.8
"""Share of the stage that decoding takes, about; dividing and writing take the rest."""


def prepare(data: Data, directory: Path, say: Say) -> Prepared:
    """The prepared examples in directory, which is made, or taken as it is when already finished.

    Raises LeptonError: DATA_NOT_FOUND, DATA_INVALID, TOO_FEW_CLASSES and TOO_MANY_CORRUPT for a person to mend;
    DISK_FULL, STORE_UNWRITABLE and JOB_FAILED (the network) to be tried again. What is half-written is then removed.
    """
    finished = load(directory)
    if finished is not None:
        return finished
    scratch = directory / SCRATCH
    try:
        shutil.rmtree(directory, ignore_errors=True)
        scratch.mkdir(parents=True)
        prepared = _prepare(data, directory, scratch, say)
        shutil.rmtree(scratch)
        finish(prepared)
    except BaseException as error:
        shutil.rmtree(directory, ignore_errors=True)
        if isinstance(error, OSError):
            raise as_lepton_error(error, directory) from error
        raise
    return prepared


def class_names(labels: Iterable[str]) -> tuple[str, ...]:
    """The classes in order: by number where all are whole numbers, else by name."""
    names = set(labels)
    numbers = all(name.removeprefix("-").isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name) if numbers else 0, name)))


def _prepare(data: Data, directory: Path, scratch: Path, say: Say) -> Prepared:
    say(Progress(stage="data", message=f"listing {data.uri}"))
    source = open_source(data.uri, scratch)
    _at_least_two(source.labels, data.uri)
    rows = choose(source.labels, source.names, data.limit, data.split.seed)
    shape = find_shape(source, rows, data)
    decoded = decode_all(source, rows, shape, data, scratch / "pixels", _words(say, len(rows)))
    _at_least_two(decoded.labels, data.uri)
    say(Progress(stage="data", fraction=DECODING_SHARE, message=f"dividing and writing {len(decoded.rows)} images"))
    sides = divide(decoded.labels, decoded.contents, data.split)
    classes = class_names(decoded.labels)
    _write(directory, source, decoded, sides, classes)
    mean, std = _normalisation(data.image, directory, shape[2])
    return Prepared(directory, classes, shape, mean, std, _digest(decoded), _report(source, decoded, sides))


def _write(
    directory: Path, source: Source, decoded: Decoded, sides: Mapping[Side, Sequence[int]], classes: Sequence[str]
) -> None:
    numbers = {name: number for number, name in enumerate(classes)}
    truth = np.array([numbers[label] for label in decoded.labels], np.int64)
    pixels = np.memmap(directory / SCRATCH / "pixels", np.uint8, "r", shape=(len(truth), *decoded.shape))
    for side in SIDES:
        write_images(directory / f"{side}.npy", pixels, sides[side])
        write_labels(directory / f"{side}-labels.npy", truth[sides[side]])
    test = sides["test"]
    rows, originals = [decoded.rows[index] for index in test], [decoded.originals[index] for index in test]
    write_holdout(directory / "holdout.zip", source, rows, originals, truth[test].tolist())


def _normalisation(image: Image, directory: Path, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if image.mean is None or image.std is None:
        return mean_and_std(np.load(directory / "train.npy", mmap_mode="r", allow_pickle=False))
    if len(image.mean) != channels:
        problem = f"data.image.mean has {len(image.mean)} numbers, but the images have {channels} channels"
        raise LeptonError(Reason.DATA_INVALID, f"{problem}: give {channels} numbers each for mean and std, or neither")
    return image.mean, image.std


def _digest(decoded: Decoded) -> str:
    digest = hashlib.sha256()
    for original, label in sorted(zip(decoded.originals, decoded.labels, strict=True)):
        digest.update(original + label.encode(errors="surrogateescape") + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _report(source: Source, decoded: Decoded, sides: Mapping[Side, Sequence[int]]) -> DataReport:
    groups: dict[bytes, list[str]] = defaultdict(list)
    for content, label in zip(decoded.contents, decoded.labels, strict=True):
        groups[content].append(label)
    return DataReport(
        train=len(sides["train"]),
        validation=len(sides["validation"]),
        test=len(sides["test"]),
        per_class=dict(sorted(Counter(decoded.labels).items())),
        corrupt=len(decoded.corrupt),
        corrupt_examples=names_of(source, [row for row, _ in decoded.corrupt]),
        duplicates=sum(len(group) for group in groups.values() if len(group) > 1),
        contradictory=sum(len(group) for group in groups.values() if len(set(group)) > 1),
        image_shape=decoded.shape,
    )


def _at_least_two(labels: Iterable[str], uri: str) -> None:
    found = class_names(labels)
    if len(found) < 2:
        only = f"only the class {found[0]}" if found else "no examples"
        problem = f"data.uri: {uri} holds {only}"
        raise LeptonError(Reason.TOO_FEW_CLASSES, f"{problem}: give at least two classes, each in a folder of its own")


def _words(say: Say, total: int) -> Callable[[int], None]:
    """A listener for the number of examples decoded that passes it on, with the time left, twice a second at most."""
    started = said = time.monotonic()

    def done(count: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < SECONDS_BETWEEN_WORDS:
            return
        said = now
        left = (now - started) * (total / DECODING_SHARE - count) / count
        message = f"decoded {count} of {total} images"
        say(Progress(stage="data", fraction=DECODING_SHARE * count / total, message=message, seconds_left=left))

    return done

"""Where the examples come from and how they are prepared. What is declared here is packed into what is served."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lepton.spec.fields import ObjectName, Section, Seed
from lepton.spec.rules import Rule

Augmentation = Literal["crop", "flip", "rotate", "erase"]
DIGITS = "sklearn://digits"
_CLAIM = r"^pvc://([a-z0-9]([-a-z0-9.]*[a-z0-9])?)(/.*)?$"
IS_BUNDLED = Rule(
    "of the sets that come with scikit-learn only sklearn://digits can be used",
    lambda uri: not uri.startswith("sklearn://") or uri == DIGITS,
    f"!self.startsWith('sklearn://') || self == '{DIGITS}'",
)
NAMES_A_CLAIM = Rule(
    "pvc:// must be followed by the name of a claim and may go on with a path in it, such as pvc://pets/train",
    lambda uri: not uri.startswith("pvc://") or claim_of(uri) is not None,
    f"!self.startsWith('pvc://') || self.matches('{_CLAIM}')",
)


def claim_of(uri: str) -> str | None:
    """The PersistentVolumeClaim that a URL leads into; None where it leads elsewhere."""
    found = re.match(_CLAIM, uri)
    return found[1] if found is not None else None


_NUMBERS = {"gray": (1,), "rgb": (3,), "auto": (1, 3)}


class Split(Section):
    """How the examples are divided. Stratified by class; equal contents always fall on one side."""

    validation: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """Share of the examples that choose checkpoints and stop training early."""
    test: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    """Share of the examples held out: they never choose anything, they only prove the result at the gate."""
    seed: Seed = 0
    """Seed of the division."""


class Image(Section):
    """How images are prepared, in training and inside the served model alike."""

    rules: ClassVar = (
        Rule(
            "mean and std must be given together or both left out",
            lambda it: (it.mean is None) == (it.std is None),
            "has(self.mean) == has(self.std)",
        ),
        Rule(
            "mean and std must have one number for each colour channel: 1 for gray, 3 for rgb",
            lambda it: (
                all(len(given) in _NUMBERS[it.channels] for given in (it.mean, it.std) if given is not None)
                and len(it.mean or ()) == len(it.std or ())
            ),
            "!has(self.mean) || !has(self.std) || (self.mean.size() == self.std.size() && self.mean.size() in "
            "(!has(self.channels) || self.channels == 'auto' ? [1, 3] : self.channels == 'gray' ? [1] : [3]))",
        ),
    )
    size: Annotated[int, Field(ge=4, le=1024)] | None = None
    """Height and width in pixels that the model sees; by default that of the first image, at most 224."""
    channels: Literal["auto", "gray", "rgb"] = "auto"
    """Colour channels that the model sees; `auto` takes what the first image has."""
    resize: Literal["stretch", "crop", "pad"] = "stretch"
    """How an image of another shape becomes square."""
    mean: Annotated[tuple[float, ...], Field(max_length=3)] | None = None
    """Mean per channel (0 to 1) that is subtracted; by default measured on the training images."""
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(max_length=3)] | None = None
    """Standard deviation per channel (0 to 1) to divide by; by default measured on the training images."""
    augment: tuple[Augmentation, ...] = ()
    """Random changes to training images: crop (shift by up to an eighth), flip (left to right), rotate (up to 10
    degrees), erase (a random rectangle)."""


class SecretReference(Section):
    """A Secret in the model's namespace."""

    name: ObjectName
    """Name of the Secret."""


class Credentials(Section):
    """Where the credentials for the data come from."""

    secret_ref: SecretReference
    """A Secret whose entries are named as the variables that the driver of `uri` reads, such as AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL for `s3://`."""


class Data(Section):
    """The examples: where they lie, how they are divided and prepared."""

    uri: Annotated[str, Field(min_length=1, max_length=2048), IS_BUNDLED, NAMES_A_CLAIM]
    """`sklearn://digits`, or a folder or zip of images with one folder per class, or an NPZ file with arrays `x`
    and `y`; a local path or any fsspec URL (`s3://`, `gs://`, `https://`). On a cluster also `pvc://CLAIM/PATH`, a path
    in a PersistentVolumeClaim of the model's namespace, which is mounted read-only where the data are read."""
    credentials_from: Credentials | None = None
    """Credentials with which the data are read, and nothing else is done. On a cluster only: on a laptop they come from
    the environment in which `lepton up` was typed, and this field has no effect there."""
    split: Split = Split()
    """How the examples are divided into training, validation and test."""
    image: Image = Image()
    """How images are prepared."""
    max_corrupt_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of unreadable images up to which they are counted and left out; above it the build stops."""
    limit: Annotated[int, Field(ge=10)] | None = None
    """Use at most this many examples, chosen by the split's seed; for a quick try on a large set."""

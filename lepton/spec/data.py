"""Where the examples come from and how they are prepared. What is declared here is packed into what is served."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lepton.spec.fields import Section, Seed

Augmentation = Literal["crop", "flip", "rotate", "erase"]
DIGITS = "sklearn://digits"


def _is_bundled_if_it_says_so(uri: str) -> str:
    if uri.startswith("sklearn://") and uri != DIGITS:
        raise ValueError(f"given {uri}; allowed: of the sets that come with scikit-learn only {DIGITS}")
    return uri


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

    size: Annotated[int, Field(ge=4, le=1024)] | None = None
    """Height and width in pixels that the model sees; by default that of the first image, at most 224."""
    channels: Literal["auto", "gray", "rgb"] = "auto"
    """Colour channels that the model sees; `auto` takes what the first image has."""
    resize: Literal["stretch", "crop", "pad"] = "stretch"
    """How an image of another shape becomes square."""
    mean: tuple[float, ...] | None = None
    """Mean per channel (0 to 1) that is subtracted; by default measured on the training images."""
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Standard deviation per channel (0 to 1) to divide by; by default measured on the training images."""
    augment: tuple[Augmentation, ...] = ()
    """Random changes to training images: crop (shift by up to an eighth), flip (left to right), rotate (up to 10
    degrees), erase (a random rectangle)."""

    @model_validator(mode="after")
    def _mean_and_std_fit_the_channels(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std must be given together or both left out")
        if self.mean is not None and self.std is not None and len(self.mean) != len(self.std):
            raise ValueError("mean and std must have one number for each colour channel")
        numbers = {"gray": (1,), "rgb": (3,), "auto": (1, 3)}[self.channels]
        if self.mean is not None and len(self.mean) not in numbers:
            needed = " or ".join(map(str, numbers))
            raise ValueError(f"mean and std must have {needed} numbers, one for each channel, not {len(self.mean)}")
        return self


class Data(Section):
    """The examples: where they lie, how they are divided and prepared."""

    uri: Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(_is_bundled_if_it_says_so)]
    """`sklearn://digits`, or a folder or zip of images with one folder per class, or an NPZ file with arrays `x`
    and `y`; a local path or any fsspec URL (`s3://`, `gs://`, `https://`)."""
    split: Split = Split()
    """How the examples are divided into training, validation and test."""
    image: Image = Image()
    """How images are prepared."""
    max_corrupt_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of unreadable images up to which they are counted and left out; above it the build stops."""
    limit: Annotated[int, Field(ge=10)] | None = None
    """Use at most this many examples, chosen by the split's seed; for a quick try on a large set."""

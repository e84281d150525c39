"""From the paths of a folder or an archive to examples: one folder per class, hidden files left out.

Used by the folder and the zip source. Reads nothing.
"""

from collections.abc import Iterable

from lepton.train.data.sources.base import invalid

READABLE = frozenset({"jpg", "jpeg", "jpe", "jfif", "png", "bmp", "webp", "gif"})
UNREADABLE = frozenset({"tif", "tiff", "heic", "heif", "avif", "jp2", "ico", "ppm", "pgm", "tga"})
SUFFIXES = READABLE | UNREADABLE
"""What is meant as an image. What can't be read is counted as corrupt, not passed over in silence."""


def is_hidden(path: str) -> bool:
    """Whether a path is of no interest: .DS_Store, .ipynb_checkpoints/..., __MACOSX/..."""
    return path.startswith(".") or "/." in path or "__MACOSX" in path.split("/")


def is_image(path: str) -> bool:
    """Whether a file is meant as an image, going by its name."""
    return path.rpartition(".")[2].lower() in SUFFIXES


def examples(paths: Iterable[str], folders: Iterable[str], where: str) -> list[tuple[str, str]]:
    """Sorted (class, path) of the images among paths, which are relative with forward slashes.

    folders are the class folders that exist even where they hold no file. Raises LeptonError with DATA_INVALID.
    """
    images = [path for path in paths if is_image(path) and not is_hidden(path)]
    found = sorted((path.split("/", 1)[0], path) for path in images if "/" in path)
    if not found and images:
        raise invalid(f"{where} holds images but no folders: put the images of each class into a folder of its own")
    if not found:
        raise invalid(f"{where} holds no images: give a folder with one folder of images (JPEG, PNG, ...) per class")
    strange = next((path for label, path in found if not _is_text(label)), None)
    if strange is not None:
        raise invalid(f"the name of class folder {strange.split('/', 1)[0]!a} in {where} is not UTF-8: rename it")
    empty = sorted({folder for folder in folders if not is_hidden(folder)} - {label for label, _ in found})
    if empty:
        raise invalid(f"class folder {empty[0]} in {where} holds no images: add images to it or remove it")
    return found


def _is_text(name: str) -> bool:
    """Whether a name can be written down; one that is not UTF-8 on the disk can't."""
    return not any("\ud800" <= character <= "\udfff" for character in name)

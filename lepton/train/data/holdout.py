"""The held-out test examples as raw images, so that the gate can ask a live endpoint what a user would ask it."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.train.data.decoding import names_of, original_digest, to_image
from lepton.train.data.image import colours, open_image, upright
from lepton.train.data.sources.base import Raw, Source

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


def write_holdout(
    path: Path, source: Source, rows: Sequence[int], originals: Sequence[bytes], labels: Sequence[int]
) -> None:
    """Write rows of source to the zip path, stored, with fixed times so that equal inputs give equal bytes.

    Members are `00000-<class index>.jpg|png` in order, and labels.json, the list of class indices. JPEG and PNG go in
    as they are; other formats and bare pixels as lossless PNG. originals are the digests from decoding: LeptonError
    with JOB_FAILED when the source has changed since.
    """
    digits = max(5, len(str(len(rows) - 1)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for place, raw in enumerate(source.read(rows)):
            if original_digest(raw) != originals[place]:
                (name,) = names_of(source, rows[place : place + 1])
                message = f"data.uri: {name} changed while it was read: the build begins anew by itself"
                raise LeptonError(Reason.JOB_FAILED, message)
            suffix, encoded = _encoded(raw)
            archive.writestr(zipfile.ZipInfo(f"{place:0{digits}d}-{labels[place]}.{suffix}"), encoded)
        archive.writestr(zipfile.ZipInfo("labels.json"), json.dumps(list(labels)))


def _encoded(raw: Raw) -> tuple[str, bytes]:
    assert not isinstance(raw, ValueError)  # noqa: S101 - its digest would not have matched
    if isinstance(raw, bytes) and raw.startswith(JPEG):
        return "jpg", raw
    if isinstance(raw, bytes) and raw.startswith(PNG):
        return "png", raw
    image = upright(open_image(raw)) if isinstance(raw, bytes) else to_image(raw)
    grey = image.mode in ("1", "L", "LA")
    encoded = io.BytesIO()
    colours(image, "L" if grey else "RGB").save(encoded, "PNG")
    return "png", encoded.getvalue()

"""The file systems behind URLs: opening one, and saying what a person can do when that fails.

Data and artifacts are reached through it; it knows nothing of either.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lepton.spec.data import claim_of

if TYPE_CHECKING:
    import fsspec

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
"""Which of Lepton's extras brings the driver of a scheme."""

CLAIMS = Path("/mnt/claims")
"""Where a pod finds the PersistentVolumeClaim of a `pvc://` URL, in a folder of the claim's name."""

CREDENTIALS = "LEPTON_DATA_"
"""What stands before the names of the variables that data.credentialsFrom gives to the pod that reads the data."""


def open_url(url: str) -> tuple["fsspec.AbstractFileSystem", str]:
    """The file system behind a URL, and the path in it. It remembers nothing of an earlier one: listings are read anew,
    and so are credentials. Raises ValueError for an unknown scheme and for a claim that is not mounted here,
    ImportError where the driver is not installed.
    """
    import fsspec  # noqa: PLC0415 - slow to import

    claim = claim_of(url)
    place = url if claim is None or not (CLAIMS / claim).is_dir() else str(CLAIMS / url.removeprefix("pvc://"))
    filesystem, path = fsspec.core.url_to_fs(place, skip_instance_cache=True)
    return filesystem, str(path)


def unusable(url: str) -> str | None:
    """Why nothing on this machine can use a URL: nobody knows its scheme, or its driver is not installed; else None.

    Nothing is asked of the network.
    """
    import fsspec  # noqa: PLC0415 - slow to import

    if claim_of(url) is not None:
        return f"{url} lies in a volume of a Kubernetes cluster, which this machine has not: give a path or another URL"
    try:
        fsspec.get_filesystem_class(_scheme(url))
    except ImportError as error:
        return f"{url} needs a driver that is not installed ({error}): {remedy(error, url)}"
    except ValueError as error:
        return f"{url} is of no kind that can be used ({error}): give a path, or a URL such as s3:// or gs://"
    return None


def is_refusal(error: Exception) -> bool:
    """Whether a file system failed for want of permission. Some drivers have classes of their own for that."""
    forbidden = str(error).startswith("Forbidden") or getattr(error, "code", None) in (401, 403)
    return isinstance(error, PermissionError) or forbidden or "Credential" in type(error).__name__


def remedy(error: Exception, url: str) -> str:
    """What a person can do about the failure of what lies behind a URL."""
    scheme = _scheme(url)
    is_remote = scheme not in ("", "file")
    if isinstance(error, ImportError):
        return f'run `pip install "leptonml[{EXTRAS[scheme]}]"`' if scheme in EXTRAS else "install it beside Lepton"
    if is_remote and is_refusal(error):
        return "grant access to it, or give other credentials (`lepton down`, then `lepton up`; on a cluster by Secret)"
    if isinstance(error, FileNotFoundError):
        return "create it, or choose another place"
    return "see that it can be reached and used" if is_remote else "grant access to it"


def _scheme(url: str) -> str:
    """The scheme of the place that a URL leads to in the end, s3 for `simplecache::s3://bucket`; empty for a path."""
    schemes = re.findall(r"(?:^|::)(\w[\w+.-]*)://", url)
    return str(schemes[-1]) if schemes else ""

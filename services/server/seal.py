"""Refuses to serve files that differ from what was sealed. Packed beside model.py; standard library only.

It looks at the model's own folder, as listed in the artifact's `digest` file two folders up.
"""

import hashlib
from pathlib import Path


def check(model: Path, expected: str) -> None:
    """Raise RuntimeError, in words, unless every file in the model's folder (resolved) is as sealed by `expected`."""
    artifact = model.parent.parent
    seal = (artifact / "digest").read_bytes()
    if f"sha256:{hashlib.sha256(seal).hexdigest()}" != expected:
        raise RuntimeError(f"{artifact / 'digest'} is not the digest {expected} that was asked for: fetch it again")
    prefix = f"{model.relative_to(artifact).as_posix()}/"
    lines = [line.partition("  ") for line in seal.decode().splitlines()]
    listed = {name: sha256 for sha256, _, name in lines if name.startswith(prefix)}
    if not listed:
        raise RuntimeError(f"{artifact / 'digest'} lists no file in {prefix}: the artifact is not one of Lepton's")
    for name, sha256 in listed.items():
        if not _is_sound(artifact / name, sha256):
            raise RuntimeError(f"{artifact / name} is missing or not what was sealed: the artifact is corrupt")


def _is_sound(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256

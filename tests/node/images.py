"""Lepton's images, made without Docker, as services/images/*.Dockerfile say: their base, their installer, their words.

Two layers: Debian with what services/images/install.sh installs, made once for each lock file and kept; and Lepton's
code. Others hold one program and nothing else. Called by tests.node.node, as root.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from tests.node.scratch import scratch
from tests.programs.programs import ROOT, cache, find

NAMES = ("operator", "worker", "server")
PROGRAMS = ("pause", "prometheus", "prometheus-config-reloader")
"""Images of one program; `pause` is the one that holds a pod together."""
SUITE = "bookworm"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_FOLDER = ROOT / "services" / "images"
_APART = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
"""In mounts and processes of its own, which end with whoever started it."""
_INSTALL = """\
set -e
mkdir -p "$1/etc/ssl/certs" "$1/proc"
mount --bind /etc/ssl/certs "$1/etc/ssl/certs"
mount -t proc proc "$1/proc"
cp /etc/resolv.conf /etc/hosts "$1/etc/"
chroot "$1" /tmp/install.sh "$2" /tmp/requirements
"""
"""With the machine's certificates, since its registries may be mirrors."""


@dataclass(frozen=True)
class Layer:
    """A tar file and its sha256."""

    tar: Path
    digest: str

    @property
    def descriptor(self) -> dict[str, object]:
        """As an OCI manifest names it."""
        return _descriptor("application/vnd.oci.image.layer.v1.tar", self.digest, self.tar.stat().st_size)


def environment(name: str) -> Layer:
    """Debian and what the image needs besides Lepton; made when the lock file or the installer has changed."""
    lock, setup = (ROOT / "requirements" / f"{file}.lock" for file in (name, "setup"))
    parts = [(_FOLDER / "install.sh").read_bytes(), setup.read_bytes(), lock.read_bytes()]
    tar = folder() / f"{name}-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:12]}.tar"
    told = tar.with_suffix(".sha256")
    if not told.exists():
        print(f"building the environment of the image {name}", flush=True)  # noqa: T201 - it takes minutes
        with scratch(folder(), f".{name}-") as made:
            root = made / "root"
            subprocess.run(["cp", "--archive", _debian(), root], check=True)
            shutil.copy(_FOLDER / "install.sh", root / "tmp")
            shutil.copytree(ROOT / "requirements", root / "tmp" / "requirements")
            subprocess.run([*_APART, "sh", "-c", _INSTALL, "sh", root, name], check=True)
            _pack(root, made / "packed")
            (made / "packed").rename(tar)
        told.write_text(_sha256(tar))
    return Layer(tar, told.read_text())


def tag(name: str) -> str:
    """What pods call the image."""
    return f"lepton.test/{name}:e2e"


def lay_out(name: str, known: Set[str], folder: Path) -> None:
    """Write the image into a folder in OCI layout.

    The blobs whose sha256 is known are left out: whoever takes the image in has them.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    if name in PROGRAMS:
        layers, config = [_pack_code([(find(name), f"bin/{name}")], blobs)], {"Entrypoint": [f"/bin/{name}"]}
    else:
        said = _dockerfile(name)
        layers, config = [environment(name), _pack_code(_copied(said), blobs)], _config(said)
        if layers[0].digest not in known:
            os.link(layers[0].tar, blobs / layers[0].digest)
    diffs = {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]}
    image = {"architecture": "amd64", "os": "linux", "config": config, "rootfs": diffs}
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _blob(blobs, "application/vnd.oci.image.config.v1+json", image),
        "layers": [layer.descriptor for layer in layers],
    }
    named = {"io.containerd.image.name": tag(name)}
    index = {"schemaVersion": 2, "manifests": [{**_blob(blobs, _MANIFEST, manifest), "annotations": named}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def _debian() -> Path:
    root = folder() / SUITE
    if not root.exists():
        print("unpacking Debian", flush=True)  # noqa: T201 - it takes a minute
        with scratch(folder(), f".{SUITE}-") as made:
            fresh = made / SUITE
            command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, fresh]
            subprocess.run([*_APART, *command], check=True, stdout=subprocess.DEVNULL)
            fresh.rename(root)
    return root


def _dockerfile(name: str) -> list[tuple[str, str]]:
    lines = (_FOLDER / f"{name}.Dockerfile").read_text().splitlines()
    words = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(instruction, rest) for instruction, _, rest in words]


def _config(said: list[tuple[str, str]]) -> dict[str, object]:
    given = dict(said)
    return {
        "Env": given["ENV"].split(),
        "WorkingDir": given["WORKDIR"],
        "User": given["USER"],
        "Entrypoint": json.loads(given.get("ENTRYPOINT", "[]")),
    }


def _copied(said: list[tuple[str, str]]) -> list[tuple[Path, str]]:
    """What the Dockerfile copies after its WORKDIR: from where, and to where in the image."""
    workdir = dict(said)["WORKDIR"].lstrip("/")
    start = [instruction for instruction, _ in said].index("WORKDIR")
    copies = [rest.split() for instruction, rest in said[start:] if instruction == "COPY"]
    return [(ROOT / source, f"{workdir}/{goal}") for source, goal in copies]


def _pack_code(copies: list[tuple[Path, str]], blobs: Path) -> Layer:
    """A layer with no trace of when it was made."""
    fresh = blobs / ".fresh"
    with tarfile.open(fresh, "w") as tar:
        for source, goal in copies:
            tar.add(source, goal, filter=_plain)
    digest = _sha256(fresh)
    return Layer(fresh.rename(blobs / digest), digest)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if "__pycache__" in info.name:
        return None
    info.mtime = info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _pack(root: Path, target: Path) -> None:
    left_out = [f"--exclude=./{name}/*" for name in ("proc", "sys", "dev", "tmp", "run", "var/cache")]
    form = ["--sort=name", "--mtime=@0", "--numeric-owner", *left_out]
    subprocess.run(["tar", "--create", "--file", target, "--directory", root, *form, "."], check=True)


def _blob(blobs: Path, kind: str, body: dict[str, object]) -> dict[str, object]:
    text = json.dumps(body).encode()
    digest = hashlib.sha256(text).hexdigest()
    (blobs / digest).write_bytes(text)
    return _descriptor(kind, digest, len(text))


def _descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder() -> Path:
    """Where environments are kept."""
    kept = cache() / "images"
    kept.mkdir(parents=True, exist_ok=True)
    return kept

"""Object stores of this machine, for the tests: they speak the protocols of S3 and of Google Cloud Storage.

Each is a process of its own on a free port, of the loopback address unless another is given. The one for S3 checks
keys and signatures.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import boto3

from lepton.urls import open_url
from tests.installation import free_ports, wait_until

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
NOBODY = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "CLOUDSDK_CONFIG": "/dev/null",
    "NO_GCE_CHECK": "true",
}
"""Keeps whoever runs the tests, with keys of their own perhaps, out of them."""


@contextmanager
def s3_server(log: Path, host: str = "127.0.0.1") -> Iterator[Mapping[str, str]]:
    """An S3 with one user; yields the environment in which that user works with it."""
    (port,) = free_ports(1)
    address = f"http://{host}:{port}"
    with _running([sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)], (host, port), log):
        iam = boto3.client("iam", endpoint_url=address, region_name="us-east-1", **_keys("root", "root"))
        iam.create_user(UserName="lepton")
        iam.put_user_policy(UserName="lepton", PolicyName="all", PolicyDocument=json.dumps(POLICY))
        key = iam.create_access_key(UserName="lepton")["AccessKey"]
        _check_everybody_from_now_on(host, port)
        keys = _keys(key["AccessKeyId"], key["SecretAccessKey"])
        yield {**NOBODY, "AWS_ENDPOINT_URL": address, **{name.upper(): value for name, value in keys.items()}}


@contextmanager
def gcs_server(log: Path) -> Iterator[Mapping[str, str]]:
    """A Google Cloud Storage that lets everybody in; yields the environment in which it is used."""
    (port,) = free_ports(1)
    command = [str(Path(sys.executable).with_name("gcp-storage-emulator")), "start", "--in-memory"]
    address = f"http://127.0.0.1:{port}"
    with _running([*command, "--host", "127.0.0.1", "--port", str(port)], ("127.0.0.1", port), log):
        yield {**NOBODY, "STORAGE_EMULATOR_HOST": address, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}


def _check_everybody_from_now_on(host: str, port: int) -> None:
    with closing(HTTPConnection(host, port)) as connection:
        connection.request("POST", "/moto-api/reset-auth", body=b"0", headers={"Content-Type": "text/plain"})
        assert connection.getresponse().status == 200


def _keys(identity: str, secret: str) -> dict[str, str]:
    return {"aws_access_key_id": identity, "aws_secret_access_key": secret}


@contextmanager
def _running(command: list[str], address: tuple[str, int], log: Path) -> Iterator[None]:
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            wait_until(lambda: _listens(address), f"{command[0]} to listen", 60)
            yield
        finally:
            process.terminate()


def _listens(address: tuple[str, int]) -> bool:
    with socket.socket() as client:
        return client.connect_ex(address) == 0


def make_bucket(url: str) -> None:
    """Make an empty bucket with the keys of the environment."""
    files, path = open_url(url)
    files.mkdir(path)


def names(url: str) -> list[str]:
    """Everything that lies below a URL, relative to it."""
    files, path = open_url(url)
    return sorted(name.removeprefix(f"{path}/") for name in files.find(path))


def put(url: str, content: bytes) -> None:
    """Write one object, as another program would."""
    files, path = open_url(url)
    files.pipe_file(path, content)

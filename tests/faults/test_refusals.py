"""What can't be answered or started is refused in words, and nothing that runs is stopped."""

import json
import socket
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import GOOD, World, ask, spec, tensor
from tests.installation import Installation, free_ports

pytestmark = pytest.mark.usefixtures("serves_on")


def test_a_busy_port_is_refused_and_nothing_is_stopped(world: World) -> None:
    before = [world.pid(server) for server in ("loop", "ray", "triton")]
    for option in ("--http-port", "--grpc-port", "--triton-metrics-port", "--metrics-port"):
        (port,) = free_ports(1)
        with socket.create_server(("127.0.0.1", port)):
            done = world.installation.ask("up", option, str(port))
        assert (done.returncode, done.stderr) == (
            1,
            f"error: port {port} can't be listened on (Address already in use): stop the program that uses it, "
            f"or choose another with `lepton up {option} PORT`\n",
        )
    world.installation.lepton("up")
    assert [world.pid(server) for server in ("loop", "ray", "triton")] == before


def test_one_port_for_two_things_is_refused(world: World) -> None:
    done = world.installation.ask("up", "--grpc-port", str(world.installation.ports[0]))
    assert (done.returncode, done.stderr) == (
        1,
        f"error: --http-port and --grpc-port are both {world.installation.ports[0]}: "
        "choose another port for one of them\n",
    )


BAD_BODIES = {
    "no JSON": b"garbage",
    "no inputs": {},
    "fewer numbers than the shape says": {"inputs": [tensor("image", [1, 8, 8, 1], "UINT8", [1, 2, 3])]},
    "another shape": {"inputs": [tensor("image", [1, 9, 9, 1], "UINT8", [1] * 81)]},
    "another type": {"inputs": [tensor("image", [1, 8, 8, 1], "FP32", [1] * 64)]},
    "both inputs": {
        "inputs": [
            tensor("image", [1, 8, 8, 1], "UINT8", [1] * 64),
            tensor("image_bytes", [1, 1], "BYTES", ["x"]),
        ]
    },
    "bytes that are no image": {"inputs": [tensor("image_bytes", [1, 1], "BYTES", ["x"])]},
    "an unknown input": {"inputs": [tensor("picture", [1, 1], "BYTES", ["x"])]},
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_malformed_request_is_refused_in_words(world: World, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        ask(world.installation, body)
    assert (error.value.code, list(json.loads(error.value.read()))) in ((400, ["error"]), (500, ["error"]))


def test_a_huge_request_of_nothing_is_refused(world: World) -> None:
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(world.installation, bytes(2**25))


HOMES = {
    "a folder that can't be made": ("{file}/home", "error: can't write {file}/home (Not a directory): "),
    "a store that is none": ("{garbage}", "error: can't use {garbage}/lepton.db (file is not a database): "),
}


@pytest.mark.parametrize("command", [("get",), ("up",), ("apply", "-f", "-")], ids=" ".join)
@pytest.mark.parametrize("kind", HOMES)
def test_an_unusable_home_is_told(world: World, tmp_path: Path, kind: str, command: tuple[str, ...]) -> None:
    file, garbage = tmp_path / "file", tmp_path / "garbage"
    file.write_text("")
    garbage.mkdir()
    (garbage / "lepton.db").write_bytes(b"this is no database" * 1000)
    home, sentence = (one.format(file=file, garbage=garbage) for one in HOMES[kind])
    done = Installation(Path(home), world.installation.ports).ask(*command, stdin=spec("any", GOOD, world.data))
    assert (done.returncode, done.stderr[: len(sentence)]) == (1, sentence)

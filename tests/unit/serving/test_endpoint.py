"""What a connection makes of a server that refuses, of nobody there, and of an answer; and what its users say of it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from lepton.backends.local.ports import free_port
from lepton.cli.errors import CommandError
from lepton.cli.predict.client import Client
from lepton.cli.predict.inputs import from_bytes
from lepton.endpoint import Connection, Refused, Unreachable
from lepton.errors import LeptonError
from lepton.gate.probe import Probe, model_config
from lepton.spec.status import EndpointAddress, Protocol

PIXEL = np.zeros((1, 1, 1, 1), np.uint8)
METADATA = {"name": "pets", "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 8, 9, 3]}]}


class _Handler(BaseHTTPRequestHandler):
    """Knows what the model `pets` takes, and refuses everything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, METADATA)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(400, {"error": "unexpected shape for input 'image'"})

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def somebody() -> Iterator[EndpointAddress]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield EndpointAddress(http=f"http://127.0.0.1:{server.server_port}", grpc="unused", model="pets")
        server.shutdown()


@pytest.fixture(scope="module")
def nobody() -> EndpointAddress:
    port = free_port()
    return EndpointAddress(http=f"http://127.0.0.1:{port}", grpc=f"127.0.0.1:{port}", model="pets")


def test_a_refusal_is_told_in_the_servers_own_words(somebody: EndpointAddress) -> None:
    with Connection(somebody, "http") as connection, pytest.raises(Refused) as refused:
        connection.ask({"image": PIXEL}, ["label"])
    words = "unexpected shape for input 'image'"
    assert (refused.value.message, str(refused.value)) == (words, f"[400] {words}")


def test_a_connection_that_is_closed_without_an_answer_is_no_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)

        threading.Thread(target=hang_up, daemon=True).start()
        address = EndpointAddress(http=f"http://127.0.0.1:{server.getsockname()[1]}", grpc="unused", model="pets")
        with Connection(address, "http") as connection:
            for question in (lambda: connection.ask({"image": PIXEL}, ["label"]), connection.metadata):
                with pytest.raises(Unreachable):
                    question()
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_nobody_there_is_no_refusal(nobody: EndpointAddress, protocol: Protocol) -> None:
    with Connection(nobody, protocol) as connection:
        for question in (lambda: connection.ask({"image": PIXEL}, ["label"]), connection.metadata):
            with pytest.raises(Unreachable):
                question()


def test_predict_knows_the_shape_and_tells_a_refusal_from_nobody(
    somebody: EndpointAddress, nobody: EndpointAddress
) -> None:
    with Connection(somebody, "http") as connection:
        client = Client(connection, "nobody")
        assert client.image_shape() == (8, 9, 3)
        with pytest.raises(CommandError, match=r"^the server refused: unexpected shape for input 'image'$"):
            client.ask(from_bytes("cat.png", b"\x89PNG"))
    with Connection(nobody, "grpc") as connection, pytest.raises(CommandError) as failure:
        Client(connection, "nobody answers").image_shape()
    assert failure.value.message == "nobody answers"


def test_the_gate_tries_again_after_a_refusal_as_after_nobody(
    somebody: EndpointAddress, nobody: EndpointAddress
) -> None:
    again = "see `lepton doctor`; the proof is tried again by itself"
    with closing(Probe(somebody, "http")) as probe, pytest.raises(LeptonError) as refused:
        probe.ask("image", PIXEL, ["label"])
    said = f"pets at {somebody.http} did not answer ([400] unexpected shape for input 'image'): {again}"
    assert refused.value.message == said
    with pytest.raises(LeptonError, match=rf"^pets at {nobody.http} did not answer \(.+\): {again}$"):
        model_config(nobody)

"""The one load generator of bench (a): one thread, plain sockets, the same bytes for every server. HTTP/1.1 only.

It costs some 20 microseconds a request, so what it measures is the server.
"""

import json
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import numpy as np
import numpy.typing as npt


def infer_request(model: str, image: npt.NDArray[np.uint8]) -> bytes:
    """One inference in the Open Inference Protocol v2: `image` in, `probabilities` out, both as binary tensors."""
    raw = image.tobytes()
    size = {"binary_data_size": len(raw)}
    header = json.dumps(
        {
            "id": "1",
            "inputs": [{"name": "image", "shape": list(image.shape), "datatype": "UINT8", "parameters": size}],
            "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
        }
    ).encode()
    lines = (
        f"POST /v2/models/{model}/infer HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/octet-stream",
        f"Inference-Header-Content-Length: {len(header)}",
        f"Content-Length: {len(header) + len(raw)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + header + raw


def answer_times(port: int, request: bytes, count: int) -> npt.NDArray[np.float64]:
    """Milliseconds of each of `count` answers, one client."""
    milliseconds = np.empty(count)
    with _connected(port) as client:
        for place in range(count):
            began = time.perf_counter()
            client.sendall(request)
            answer = bytearray()
            while not _is_complete(answer):
                answer += client.recv(65536)
            milliseconds[place] = (time.perf_counter() - began) * 1000
    return milliseconds


def throughput(port: int, request: bytes, clients: int, seconds: float) -> float:
    """Answers per second with so many clients, each of which asks again as soon as it has its answer."""
    answered = 0
    with ExitStack() as stack:
        selector = stack.enter_context(closing(selectors.DefaultSelector()))
        for _ in range(clients):
            client = stack.enter_context(_connected(port))
            selector.register(client, selectors.EVENT_READ, bytearray())
            client.sendall(request)
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            for key, _ in selector.select(timeout=1):
                key.data.extend(key.fileobj.recv(65536))  # type: ignore[union-attr]  # fileobj may be a number; ours are sockets
                if _is_complete(key.data):
                    key.data.clear()
                    answered += 1
                    key.fileobj.sendall(request)  # type: ignore[union-attr]  # fileobj may be a number; ours are sockets
    return answered / elapsed


@contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def _is_complete(answer: bytearray) -> bool:
    """Whether the whole answer has come; an error ends the bench."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(answer[:end]).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"the server refused: {bytes(answer[:500])!r}")
    size = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
    return len(answer) >= end + 4 + size

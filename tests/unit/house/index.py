"""Package indexes on 127.0.0.1: a registry over HTTP, and whatever lies beyond an HTTPS proxy, over TLS.

uv alone knows where PyTorch's own index is. A proxy in between sees which host it asks for, and answers in its
place with a certificate made for that host on the spot: nothing leaves the machine and no address is written down.
"""

import datetime
import hashlib
import io
import socket
import socketserver
import ssl
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Wheels = dict[str, bytes]


def wheel(name: str, version: str) -> Wheels:
    """The smallest wheel of that name and version, by its file name."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return {f"{name}-{version}-py3-none-any.whl": content.getvalue()}


def index_of(wheels: Wheels) -> type[BaseHTTPRequestHandler]:
    """A handler that serves the wheels: a page of links for every folder, and the files behind them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def _answer(self) -> None:
            file = self.path.rsplit("/", 1)[-1].replace("%2B", "+")
            page = "".join(
                f'<a href="{name}#sha256={hashlib.sha256(content).hexdigest()}">{name}</a>'
                for name, content in wheels.items()
            )
            body = page.encode() if not file else wheels.get(file)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/octet-stream" if file else "text/html")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def registry(wheels: Wheels) -> Iterator[str]:
    """A package index over plain HTTP; yields its address."""
    with _running(ThreadingHTTPServer(("127.0.0.1", 0), index_of(wheels))) as address:
        yield f"http://{address}/simple"


@contextmanager
def beyond_a_proxy(wheels: Wheels | None, authority: "Authority", silent: threading.Event | None) -> Iterator[str]:
    """A proxy behind which every host serves these wheels; None: no host can be reached.

    With an event, it takes the call and says nothing until the event is set. Yields its address.
    """

    class Proxy(socketserver.BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            words = self.request.recv(65536).decode().split()
            if silent is not None:
                silent.wait()
                return
            if wheels is None:
                self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            host = words[1].split(":")[0]
            with authority.context(host).wrap_socket(self.request, server_side=True) as tunnel:
                index_of(wheels)(tunnel, self.client_address, self.server)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    with _running(server) as address:
        yield f"http://{address}"


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Authority:
    """Signs a certificate for any host; whoever trusts `file` believes it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        own = self._certificate(self.name, self.key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.file = directory / "authority.pem"
        self.file.write_bytes(own.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs to be that host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host")])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        signed = self._certificate(subject, key).add_extension(names, critical=False).sign(self.key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = self.directory / f"{signed.serial_number}.pem"
        chain.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

"""A tritonserver of one's own, for a test or the bench: free ports on 127.0.0.1, its own folder, ended by its pid."""

import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

from lepton.tritonserver import copy_backend, environment, wheel

START_SECONDS = 30


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


class PrivateTriton:
    """Started on entry, ended on exit. Models are loaded from artifact folders under any name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http_port, self.grpc_port, self.metrics_port = free_ports(3)
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.grpc = f"127.0.0.1:{self.grpc_port}"
        self.models = folder / "models"
        self._shared_memory = f"test-{os.getpid()}-{self.http_port}-"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "triton.log").read_text(errors="replace")

    def __enter__(self) -> "PrivateTriton":
        server = wheel()
        copy_backend(server, self.folder / "backends")
        self.models.mkdir(parents=True)
        surroundings = {**environment(server), "PYTHONDONTWRITEBYTECODE": "1"}  # the folder of a model is sealed
        with (self.folder / "triton.log").open("wb") as log:
            command = [str(server / "bin" / "tritonserver"), *self._options()]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=surroundings)
        self._wait_until_live()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for left in Path("/dev/shm").glob(f"{self._shared_memory}*"):
            left.unlink(missing_ok=True)

    def load(self, name: str, model: Path, digest: str | None = None, instances: int = 1) -> str | None:
        """Load the model folder of an artifact under a name. Returns Triton's words when it refuses."""
        link = self.models / name
        link.unlink(missing_ok=True)
        link.symlink_to(model)
        config = text_format.Parse((model / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
        config.instance_group[0].count = instances
        if digest:
            config.parameters["digest"].string_value = digest
        text = json_format.MessageToJson(config, preserving_proto_field_name=True)
        return self._post(f"/v2/repository/models/{name}/load", {"parameters": {"config": text}})

    def unload(self, name: str) -> str | None:
        return self._post(f"/v2/repository/models/{name}/unload", {})

    def metrics(self) -> str:
        return self._request("GET", "/metrics", port=self.metrics_port)[1].decode()

    def _post(self, path: str, body: object) -> str | None:
        status, answer = self._request("POST", path, json.dumps(body))
        return None if status == 200 else str(json.loads(answer)["error"])

    def _request(self, method: str, path: str, body: str | None = None, port: int | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _options(self) -> list[str]:
        return [
            f"--model-repository={self.models}",
            f"--backend-directory={self.folder / 'backends'}",
            "--model-control-mode=explicit",
            "--disable-auto-complete-config",
            "--exit-timeout-secs=5",
            "--allow-gpu-metrics=false",
            "--metrics-config=summary_latencies=true",
            f"--backend-config=python,shm-region-prefix-name={self._shared_memory}",
            f"--http-port={self.http_port}",
            f"--grpc-port={self.grpc_port}",
            f"--metrics-port={self.metrics_port}",
            "--http-address=127.0.0.1",
            "--grpc-address=127.0.0.1",
            "--metrics-address=127.0.0.1",
        ]

    def _wait_until_live(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self._request("GET", "/v2/health/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"tritonserver did not start:\n{self.log[-4000:]}")

"""A node of Ray that serves an artifact as the pods of a RayService do, in a network of its own: it listens everywhere.

What is played is KubeRay: it makes the command that starts Ray, and hands Ray the application that was rendered.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import yaml

from lepton.backends.kubernetes.render.rayserve import ray_service
from lepton.backends.kubernetes.settings import Settings
from lepton.plan.types import Key, Traffic
from lepton.spec.deploy import Deploy
from services.rayserve.node import RAY
from tests.installation import wait_until

_AS_ROOT = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
_START = (
    "ray start --head --block --no-monitor --node-ip-address=127.0.0.1 --dashboard-host=127.0.0.1 "
    "--object-store-memory=78643200"
)
_CLIENT = """\
import sys, urllib.request
method, url, token = sys.argv[1:]
body = sys.stdin.buffer.read() or None
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
print(urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=30).read().decode())
"""
PATIENCE_S = 240.0


class PrivateRay:
    """Started on entry, once the model answers; ended on exit."""

    def __init__(self, folder: Path, digest: str, deploy: Deploy) -> None:
        """`folder` is where `services.server.fetch` brought the artifact."""
        self.folder = folder
        self._token = secrets.token_hex(16)
        traffic = Traffic("pets", 1, "", digest, deploy.instances, deploy)
        settings = Settings(worker_image="", server_image="", artifacts="")
        spec = ray_service(Key("default", "pets"), "", "pets", traffic, settings)["spec"]
        (self._servers,) = spec["rayClusterConfig"]["workerGroupSpecs"]
        (self._container,) = self._servers["template"]["spec"]["containers"]
        self._config: Any = yaml.safe_load(spec["serveConfigV2"])

    @property
    def log(self) -> str:
        return (self.folder / "node.log").read_text(errors="replace")

    def __enter__(self) -> "PrivateRay":
        counts = str(self.folder / "counts")
        (application,) = self._config["applications"]
        (model,) = application["deployments"]
        application["args"]["folder"] = str(self.folder)
        model["ray_actor_options"]["runtime_env"]["env_vars"]["PROMETHEUS_MULTIPROC_DIR"] = counts
        command = [sys.executable, *self._container["command"][1:-1], counts]
        inside = ["sh", "-c", 'ip link set lo up && exec "$@"', "node", *command]
        with (self.folder / "node.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", *_AS_ROOT, "--net", *inside], stdout=log, stderr=log, env=self._environment()
            )
        try:
            wait_until(self._is_submitted, "Ray takes the application", PATIENCE_S, every=1)
            wait_until(lambda: self._tells("readyz") == "ok\n", "the model answers", PATIENCE_S, every=1)
        except BaseException as error:
            self.__exit__()
            error.add_note(self.log[-4000:])
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments within the network."""
        enter = ["nsenter", "--target", str(self._process.pid), "--net", *(["--user"] if _AS_ROOT else [])]
        return subprocess.run(
            [*enter, "--preserve-credentials", "--", sys.executable, *command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def ask(self, method: str, url: str, body: object | None = None) -> str | None:
        """The answer to a request within the network; None where there is none."""
        text = "" if body is None else json.dumps(body)
        done = self.run("-c", _CLIENT, method, url, self._token, stdin=text)
        return done.stdout[:-1] if done.returncode == 0 else None

    def processes(self) -> list[psutil.Process]:
        """All that runs of it."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def ended(self) -> int | None:
        """The node's exit status; None while it runs."""
        return self._process.poll()

    def metrics(self, port: int) -> str:
        """What Prometheus reads at a port."""
        said = self.ask("GET", f"http://127.0.0.1:{port}/metrics")
        assert said is not None
        return said

    def _is_submitted(self) -> bool:
        assert self._process.poll() is None, "the node has ended"
        return self.ask("PUT", "http://127.0.0.1:8265/api/serve/applications/", self._config) is not None

    def _tells(self, path: str) -> str | None:
        assert self._process.poll() is None, "the node has ended"
        return self.ask("GET", f"http://127.0.0.1:8003/{path}")

    def _environment(self) -> dict[str, str]:
        started = {one["name"]: one["value"] for one in self._container["env"]}
        cpus = self._servers["rayStartParams"]["num-cpus"]
        return {
            **os.environ,
            **started,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LEPTON_LAST_WORDS": str(self.folder / "words"),
            "PYTHONDONTWRITEBYTECODE": "1",  # the folder of a model is sealed
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self._token,
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else it takes the machine's address for 127.0.0.1
            "RAY_USAGE_STATS_ENABLED": "0",
            RAY: f"{_START} --num-cpus={cpus} --temp-dir={self.folder / 'ray'}",
        }

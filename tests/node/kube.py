"""The API server as users speak with it: by kubectl."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.programs.programs import build

Object = dict[str, Any]


class Kube:
    """As whoever the kubeconfig says."""

    def __init__(self, kubeconfig: Path) -> None:
        self._command = [str(build("kubectl")), f"--kubeconfig={kubeconfig}"]

    @property
    def context(self) -> str:
        """The context that it speaks in."""
        return self.run("config", "current-context").strip()

    def ask(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl, whatever comes of it."""
        return subprocess.run(
            [*self._command, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=300
        )

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints. AssertionError with all it said when it fails."""
        done = self.ask(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self, *objects: Object) -> None:
        """Apply objects, server-side since CRDs are larger than an annotation may be."""
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.run("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=body)

    def find(self, kind: str, name: str, namespace: str = "default") -> Object | None:
        """An object; None where there is none."""
        done = self.ask("get", kind, name, "--namespace", namespace, "--output", "json", "--ignore-not-found")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def list(self, kind: str, namespace: str = "default", selector: str = "") -> list[Object]:
        """All objects of a kind."""
        told = self.run("get", kind, "--namespace", namespace, "--selector", selector, "--output", "json")
        items: list[Object] = json.loads(told)["items"]
        return items

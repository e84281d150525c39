"""A real control plane: etcd, kube-apiserver, kube-controller-manager; on the loopback address unless it has nodes.

Everything lies in one folder; every process is stopped by its pid.
"""

import ssl
import urllib.request
from pathlib import Path
from typing import Self

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.installation import free_ports, wait_until
from tests.node.processes import Processes
from tests.programs.programs import find

ADMIN = "admin-of-the-tests"
_START_S = 60.0
_AUDIT = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
"""
CONTROLLERS = (
    "deployment-controller,replicaset-controller,job-controller,garbage-collector-controller,namespace-controller,"
    "serviceaccount-controller,endpointslice-controller,disruption-controller,resourcequota-controller,"
    "ttl-after-finished-controller"
)


class ControlPlane:
    """Use it in a with statement."""

    def __init__(self, folder: Path, controllers: str = CONTROLLERS, node_address: str | None = None) -> None:
        """`node_address` is the one at which the nodes' pods reach the API server; None where there are no nodes."""
        self.folder = folder
        self._controllers = controllers
        self._address = node_address or "127.0.0.1"
        self._has_nodes = node_address is not None
        self.kubeconfig = folder / "kubeconfig"
        self.audit = folder / "audit.log"
        self._etcd_client, self._etcd_peer, self._port = free_ports(3)
        self._certificate = folder / "certificates" / "apiserver.crt"
        self._processes = Processes(folder)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start_etcd()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Of the API server."""
        return f"https://{self._address}:{self._port}"

    def start(self) -> None:
        """Start the API server, wait until it is ready, and start the controllers."""
        self._start_api_server()
        wait_until(lambda: self._answers("/readyz"), "the API server is ready", _START_S)
        self.write_kubeconfig(self.kubeconfig, ADMIN)
        self._start_controllers()

    def crash(self) -> None:
        """Kill both; what they stored stays. Controllers that outlive API servers ask each later than the last."""
        self._processes.end("kube-controller-manager")
        self._processes.end("kube-apiserver")  # asked kindly, it takes more than a minute

    def stop(self) -> None:
        """End every process."""
        self._processes.end_all()

    def _start_api_server(self) -> None:
        tokens, key, policy = (self.folder / name for name in ("tokens.csv", "accounts.key", "audit.yaml"))
        policy.write_text(_AUDIT)
        tokens.write_text(f'{ADMIN},admin,1,"system:masters"\n')
        if not key.exists():
            key.write_bytes(_private_key())
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_client}",
            f"--bind-address={self._address}",
            f"--advertise-address={self._address}",
            f"--endpoint-reconciler-type={'lease' if self._has_nodes else 'none'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged",
            f"--secure-port={self._port}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={tokens}",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit}",
            "--audit-log-maxsize=100000",
            "--authorization-mode=Node,RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
        )

    def _start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self._etcd_client}", f"http://127.0.0.1:{self._etcd_peer}"
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )

    def _start_controllers(self) -> None:
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--authentication-kubeconfig={self.kubeconfig}",
            f"--authorization-kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
            f"--controllers={self._controllers}",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            f"--root-ca-file={self._certificate}",
            "--pvclaimbinder-sync-period=2s",
            "--resource-quota-sync-period=5s",  # of a kind that was just defined nothing is counted at first
            "--node-monitor-grace-period=20s",
        )

    def _start(self, name: str, *options: str) -> None:
        self._processes.start(name, [find(name), *options])

    def _answers(self, path: str) -> bool:
        self._processes.check()
        headers = {"Authorization": f"Bearer {ADMIN}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)  # noqa: S310 - our own API server
        try:
            trusted = ssl.create_default_context(cafile=self._certificate)
            with urllib.request.urlopen(request, timeout=2, context=trusted) as answer:  # noqa: S310 - the same
                return bool(answer.status == 200)
        except (OSError, ssl.SSLError):
            return False

    def write_kubeconfig(self, path: Path, token: str, through: str = "") -> None:
        """Write what a client needs that has this token, and comes through a proxy or at once."""
        cluster = {"server": through or self.url, "certificate-authority": str(self._certificate)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "user"}}],
            "current-context": "tests",
        }
        path.write_text(yaml.safe_dump(document))


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )

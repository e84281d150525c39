"""The head of Ray for one home, as a process: `python -m lepton.backends.local.ray_head`, started by ray.py.

It is `ray start --head --block` cut down to what jobs need: with three of the dashboard's modules instead of ten, and
the dashboard starting beside the raylet rather than before it, it is ready in two thirds of the time and half the
memory. It ends as soon as one of Ray's own processes does.
"""

import argparse
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

from ray._private import node, parameter, ray_constants, services  # no public way to leave out modules; Ray is pinned

from lepton.backends.local.ray import CORES

_MODULES = "JobHead,NodeHead,StateHead"
"""NodeHead tells JobHead which node is the head; Ray Train asks StateHead whether its controller lives."""
_LOG_BYTES = 10 * 2**20


class Head(node.Node):
    """A head node whose dashboard serves the Job Submission API and little more."""

    def start_api_server(self, *, include_dashboard: bool | None, raise_on_failure: bool) -> None:
        """Start the dashboard, and don't wait for it: whoever needs it asks it."""
        out, err = self.get_log_file_names("dashboard", unique=True, create_out=True, create_err=True)
        port = self._ray_params.dashboard_port
        command = [
            sys.executable,
            os.path.join(services.RAY_PATH, "dashboard", "dashboard.py"),  # noqa: PTH118 - as Ray itself names it
            "--host=127.0.0.1",
            f"--port={port}",
            "--port-retries=0",
            f"--temp-dir={self.temp_dir}",
            f"--log-dir={self._logs_dir}",
            f"--session-dir={self._session_dir}",
            f"--logging-rotate-bytes={_LOG_BYTES}",
            "--logging-rotate-backup-count=1",
            f"--gcs-address={self.gcs_address}",
            f"--cluster-id-hex={self.cluster_id.hex()}",
            f"--node-ip-address={self._node_ip_address}",
            f"--modules-to-load={_MODULES}",
            f"--stdout-filepath={out}",
            f"--stderr-filepath={err}",
        ]
        self._webui_url = f"127.0.0.1:{port}"
        kind = ray_constants.PROCESS_TYPE_DASHBOARD
        self.all_processes[kind] = [services.start_ray_process(command, kind, fate_share=self.kernel_fate_share)]


def main() -> int:
    """Start the head and stay until it is told to stop or one of Ray's processes ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", required=True)
    parser.add_argument("--dashboard-port", type=int, required=True)
    parser.add_argument("--cpus", type=int, required=True)
    parser.add_argument("--object-store-bytes", type=int, required=True)
    arguments = parser.parse_args()
    parameters: Any = parameter.RayParams(
        node_ip_address="127.0.0.1",
        node_name="127.0.0.1",
        gcs_server_port=0,
        min_worker_port=0,
        max_worker_port=0,
        dashboard_agent_listen_port=0,
        dashboard_host="127.0.0.1",
        dashboard_port=arguments.dashboard_port,
        include_dashboard=True,
        no_monitor=True,
        num_cpus=arguments.cpus,
        resources={CORES: arguments.cpus},
        object_store_memory=arguments.object_store_bytes,
        temp_dir=arguments.directory,
    )
    head: Any = Head(parameters, head=True, shutdown_at_exit=True, spawn_reaper=True)

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    while not head.dead_processes():
        time.sleep(0.5)
    print("these processes of Ray ended:", [kind for kind, _ in head.dead_processes()], file=sys.stderr)  # noqa: T201 - into Ray's log
    return 1


if __name__ == "__main__":
    sys.exit(main())

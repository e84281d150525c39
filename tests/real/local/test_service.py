"""One installation through its life: up, the deaths of its processes, and down. The tests build on each other's order
only in that each leaves everything up.
"""

import os
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import tritonclient.http
from prometheus_client.parser import text_string_to_metric_families

from lepton.backends.local import service
from lepton.backends.local.home import Home, Settings
from lepton.backends.local.jobs import Jobs
from lepton.backends.local.models import Models, Served
from lepton.backends.local.processes import Record, Supervised
from lepton.backends.local.ray import Ray
from lepton.backends.local.states import ServerStates
from lepton.backends.local.store import Store
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.plan.types import Key
from lepton.spec.reasons import Reason
from lepton.spec.resource import API_VERSION, KIND, LeptonModel, Metadata, Spec
from tests.contract.harness import digits, job
from tests.real.local import worker
from tests.real.local.artifacts import make_artifact
from tests.real.local.conftest import free_settings, wait_until
from tests.real.local.test_models import ask, served

KEY = Key("default", "pets")
BUILD = "pets-build-00000000"


@pytest.fixture(scope="module")
def up() -> Iterator[tuple[Home, Settings]]:
    home, settings = Home(Path(tempfile.mkdtemp(prefix="lepton-test-"))), free_settings()
    try:
        service.up(home, settings)
        yield home, settings
    finally:
        service.down(home)
        shutil.rmtree(home.root)


def process(home: Home, name: str) -> Record:
    record = Supervised(name, home.run, home.logs / f"{name}.log").alive()
    assert record is not None, f"{name} does not run"
    return record


def kill(home: Home, name: str) -> Record:
    """Kill it as the system would, and return what it was."""
    record = process(home, name)
    victim = psutil.Process(record.pid)
    victim.kill()
    wait_until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE, f"the end of {name}")
    return record


def is_ready(home: Home) -> bool:
    states = service.server_states(home)
    return states is not None and states.ready


def wait_for_another(home: Home, name: str, old: Record) -> None:
    server = Supervised(name, home.run, home.logs / f"{name}.log")
    wait_until(lambda: (new := server.alive()) is not None and new != old, f"another {name}")
    wait_until(lambda: is_ready(home), f"{name} to be ready")


def test_up_returns_when_all_take_work_and_once_more_changes_nothing(up: tuple[Home, Settings]) -> None:
    home, _ = up
    before = [process(home, name) for name in ("loop", "ray", "triton")]
    service.up(home)
    assert service.server_states(home) == ServerStates(loop=before[0].pid, ray="ready", triton="ready")
    assert [process(home, name) for name in ("loop", "ray", "triton")] == before


def test_every_process_listens_on_the_loopback_address_alone(up: tuple[Home, Settings]) -> None:
    home, settings = up
    sessions = {process(home, name).pid for name in ("loop", "ray", "triton")}
    ours = {one.pid for one in psutil.process_iter() if os.getsid(one.pid) in sessions}
    listening = [one for one in psutil.net_connections("inet") if one.status == "LISTEN" and one.pid in ours]
    known = {*settings.ports.values(), process(home, "ray").ports["dashboard"]}
    assert known <= {one.laddr.port for one in listening}
    assert {one.laddr.ip.removeprefix("::ffff:") for one in listening} == {"127.0.0.1"}


def test_ray_answers_nobody_without_the_token(up: tuple[Home, Settings]) -> None:
    home, _ = up
    port = process(home, "ray").ports["dashboard"]
    with pytest.raises(urllib.error.HTTPError) as error, urllib.request.urlopen(f"http://127.0.0.1:{port}/api/jobs/"):
        pass
    assert error.value.code in (401, 403)
    assert (home.run.stat().st_mode & 0o077, home.ray_directory.stat().st_mode & 0o077) == (0, 0)


def test_a_spec_applied_by_another_process_has_a_status_at_once(up: tuple[Home, Settings]) -> None:
    home, _ = up
    store = Store(home.database)
    metadata = Metadata(name="idle")
    store.apply(LeptonModel(api_version=API_VERSION, kind=KIND, metadata=metadata, spec=digits(suspend=True)))

    def reported() -> int:
        model = store.get(Key("default", "idle"))
        return 0 if model is None else model.status.observed_generation

    wait_until(lambda: reported() == 1, "the first status", seconds=2)
    store.apply(LeptonModel(api_version=API_VERSION, kind=KIND, metadata=metadata, spec=_edited()))
    wait_until(lambda: reported() == 2, "the second status", seconds=2)
    store.delete(Key("default", "idle"))
    wait_until(lambda: store.get(Key("default", "idle")) is None, "its removal", seconds=2)
    store.close()


def _edited() -> Spec:
    return digits(suspend=True, train={"epochs": 2})


def test_a_killed_loop_leaves_ray_and_triton_at_work_and_up_adopts_them(up: tuple[Home, Settings]) -> None:
    home, _ = up
    others = [process(home, name) for name in ("ray", "triton")]
    kill(home, "loop")
    assert not service.is_up(home)
    service.up(home)
    assert [process(home, name) for name in ("ray", "triton")] == others


def test_a_killed_triton_is_started_again_and_answers_as_before(up: tuple[Home, Settings], tmp_path: Path) -> None:
    home, settings = up
    wanted = served(tmp_path, 7)
    Models(home, Triton(home, settings)).load(wanted)
    try:
        wait_for_another(home, "triton", kill(home, "triton"))
        assert ask(tritonclient.http, f"127.0.0.1:{settings.http_port}") == 7
    finally:
        Models(home, Triton(home, settings)).unload(wanted.name)


def test_a_killed_stub_is_noticed_and_the_model_answers_again(up: tuple[Home, Settings], tmp_path: Path) -> None:
    home, settings = up
    triton = Triton(home, settings)
    models = Models(home, triton)
    models.load(_endpoint(tmp_path))
    try:
        wait_until(lambda: len(triton.stubs()) == 1, "the stub of the model before to end")
        (stub,) = triton.stubs()
        wait_until(lambda: heals(settings) == 0.0, "the metrics")
        psutil.Process(stub).kill()
        wait_until(lambda: heals(settings) == 1.0, "the loop to heal the model")
        assert ask(tritonclient.http, f"127.0.0.1:{settings.http_port}") == 8
    finally:
        models.unload("pets")


def _endpoint(directory: Path) -> Served:
    make_artifact(directory / "8", 8)
    return served(directory, 8)


def heals(settings: Settings) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.metrics_port}/metrics") as answer:
        families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    return families["lepton_model_heals"].samples[0].value


def test_a_job_goes_on_under_its_name_when_ray_was_killed_and_never_runs_twice_at_once(
    up: tuple[Home, Settings],
) -> None:
    home, _ = up
    ray = Ray(home)
    jobs = Jobs(home, ray, (worker.__file__,))
    assert jobs.ensure(job(KEY, BUILD), {})
    starts = home.jobs / BUILD / "starts"
    wait_until(starts.exists, "the worker")
    wait_for_another(home, "ray", kill(home, "ray"))
    assert jobs.ensure(job(KEY, BUILD), {})
    assert not jobs.ensure(job(KEY, BUILD), {})
    wait_until(lambda: len(starts.read_text().split()) == 2, "the second worker")
    first, second = map(int, starts.read_text().split())
    assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE
    jobs.delete(BUILD)
    wait_until(lambda: not psutil.pid_exists(second), "the end of the second worker")
    assert jobs.orders("pets") == {}


def test_a_job_waits_until_the_cores_that_it_wants_are_free(up: tuple[Home, Settings]) -> None:
    home, _ = up
    jobs = Jobs(home, Ray(home), (worker.__file__,))
    starts = {name: home.jobs / name / "starts" for name in (BUILD, "pets-build-11111111")}
    for name in starts:
        assert jobs.ensure(replace(job(KEY, name), cpus=float(os.cpu_count() or 1)), {})
    wait_until(lambda: any(path.exists() for path in starts.values()), "one worker")
    ((first, _), (second, waits)) = sorted(starts.items(), key=lambda item: not item[1].exists())
    jobs.delete(first)
    ended = time.time()
    wait_until(waits.exists, "the other worker")
    assert waits.stat().st_mtime >= ended
    jobs.delete(second)


def test_down_ends_every_process_and_keeps_the_state(up: tuple[Home, Settings]) -> None:
    home, settings = up
    jobs = Jobs(home, Ray(home), (worker.__file__,))
    assert jobs.ensure(job(KEY, BUILD), {})
    starts = home.jobs / BUILD / "starts"
    wait_until(starts.exists, "the worker")
    sessions = {process(home, name).pid for name in ("loop", "ray", "triton")}
    service.down(home)
    left = [
        one for one in psutil.process_iter() if os.getsid(one.pid) in sessions or one.pid == int(starts.read_text())
    ]
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []
    assert not service.is_up(home)
    store = Store(home.database)
    assert store.settings() == settings
    store.close()
    service.down(home)


def test_a_busy_port_is_named_with_the_option_that_changes_it(empty_home: Home) -> None:
    settings = free_settings()
    with socket.create_server(("127.0.0.1", settings.grpc_port)), pytest.raises(LeptonError) as error:
        try:
            service.up(empty_home, settings)
        finally:
            service.down(empty_home)
    assert error.value.reason is Reason.PORT_BUSY
    assert f"{settings.grpc_port}" in error.value.message
    assert "--grpc-port" in error.value.message

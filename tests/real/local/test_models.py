"""What Triton has loaded stays what was wanted: through switches, failed loads, and the death of its processes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from lepton.backends.local.home import Home
from lepton.backends.local.models import Models, Served
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from tests.artifacts import traffic
from tests.real.local.artifacts import make_artifact
from tests.real.local.conftest import wait_until


def served(directory: Path, answer: int, name: str = "pets", *, broken: bool = False) -> Served:
    artifact = directory / f"{answer}-{broken}"
    digest = make_artifact(artifact, answer, broken=broken)
    return traffic(name, artifact, digest)


def ask(protocol: Any, address: str, name: str = "pets") -> int:
    with protocol.InferenceServerClient(address) as client:
        return _ask(protocol, client, name)


def _ask(protocol: Any, client: Any, name: str) -> int:
    image = protocol.InferInput("image", [1, 2, 2, 1], "UINT8")
    image.set_data_from_numpy(np.zeros((1, 2, 2, 1), np.uint8))
    return int(client.infer(name, [image]).as_numpy("answer")[0, 0])


@contextmanager
def asking(protocol: Any, address: str) -> Iterator[list[int | str]]:
    """A client that asks without a pause; yields the list of its answers and errors."""
    said: list[int | str] = []
    stop = threading.Event()

    def run() -> None:
        with protocol.InferenceServerClient(address) as client:
            while not stop.is_set():
                try:
                    said.append(_ask(protocol, client, "pets"))
                except Exception as error:  # noqa: BLE001 - whatever a client sees counts
                    said.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join()


def http(triton: Triton) -> str:
    return f"127.0.0.1:{triton.settings.http_port}"


def grpc(triton: Triton) -> str:
    return f"127.0.0.1:{triton.settings.grpc_port}"


def test_clients_that_keep_asking_through_switches_see_no_error_and_never_the_old_after_the_new(
    models: Models, triton: Triton, tmp_path: Path
) -> None:
    models.load(served(tmp_path, 1))
    clients = [(tritonclient.http, http(triton))] * 2 + [(tritonclient.grpc, grpc(triton))] * 2
    with (
        asking(*clients[0]) as first,
        asking(*clients[1]) as second,
        asking(*clients[2]) as third,
        asking(*clients[3]) as fourth,
    ):
        heard = (first, second, third, fourth)
        for answer in (1, 2, 3):
            models.load(served(tmp_path, answer))
            wait_until(lambda answer=answer: all(said and said[-1] == answer for said in heard), f"answer {answer}")
    assert [[answer for answer, _ in groupby(said)] for said in heard] == [[1, 2, 3]] * 4


def test_a_load_that_fails_says_why_and_leaves_the_old_one_answering_even_after_a_restart(
    models: Models, triton: Triton, tmp_path: Path
) -> None:
    models.load(served(tmp_path, 1))
    with pytest.raises(LeptonError, match="made to fail") as error:
        models.load(served(tmp_path, 2, broken=True))
    assert error.value.reason is Reason.LOAD_FAILED
    assert ask(tritonclient.grpc, grpc(triton)) == 1
    kill(triton)
    restart(triton)
    assert models.digest("pets") is None
    assert models.restore() == {}
    assert models.digest("pets") == served(tmp_path, 1).digest
    assert ask(tritonclient.http, http(triton)) == 1


def test_an_artifact_with_a_flipped_byte_is_refused_by_name_and_the_old_one_answers(
    models: Models, triton: Triton, tmp_path: Path
) -> None:
    models.load(served(tmp_path, 1))
    wanted = served(tmp_path, 2)
    code = Path(wanted.artifact) / "repository/model/1/model.py"
    code.write_text(code.read_text().replace("2,", "3,"))
    with pytest.raises(LeptonError, match=r"repository/model/1/model\.py") as error:
        models.load(wanted)
    assert error.value.reason is Reason.ARTIFACT_CORRUPT
    assert ask(tritonclient.http, http(triton)) == 1


def test_a_model_whose_stub_was_killed_is_found_by_a_question_and_answers_again(
    models: Models, triton: Triton, tmp_path: Path
) -> None:
    models.load(served(tmp_path, 1))
    models.load(served(tmp_path, 2, name="other"))
    assert models.heal() == []
    wait_until(lambda: len(triton.stubs()) == 2, "the stubs of earlier models to end")
    (stub,) = [pid for pid in triton.stubs() if "pets" in " ".join(psutil.Process(pid).cmdline())]
    os.kill(stub, signal.SIGKILL)
    wait_until(lambda: stub not in triton.stubs(), "the end of the stub")
    assert models.digest("pets") is not None, "the server itself notices nothing"
    assert models.heal() == ["pets"]
    assert ask(tritonclient.http, http(triton)) == 1
    assert models.heal() == []


def test_candidate_and_baseline_of_one_artifact_share_one_copy_that_goes_with_the_last_of_them(
    models: Models, triton: Triton, home: Home, tmp_path: Path
) -> None:
    candidate = served(tmp_path, 1, name="pets-candidate")
    baseline = candidate.model_copy(update={"name": "pets-baseline", "variant": "baseline"})
    models.load(candidate)
    models.load(baseline)
    assert ask(tritonclient.http, http(triton), "pets-candidate") == 1
    assert ask(tritonclient.http, http(triton), "pets-baseline") == -1
    models.unload("pets-candidate")
    assert [copy.name for copy in home.cache.iterdir()] == [candidate.digest.removeprefix("sha256:")]
    models.unload("pets-baseline")
    assert (list(home.cache.iterdir()), list(home.models.iterdir()), models.records()) == ([], [], {})


def test_what_was_loaded_without_a_record_is_unloaded_when_the_server_is_adopted(
    models: Models, home: Home, tmp_path: Path
) -> None:
    models.load(served(tmp_path, 1))
    (home.served / "pets.json").unlink()
    assert models.restore() == {}
    assert (models.digest("pets"), list(home.models.iterdir())) == (None, [])


def kill(triton: Triton) -> None:
    record = triton.alive()
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    wait_until(lambda: triton.alive() is None, "the end of Triton")


def restart(triton: Triton) -> None:
    triton.start()
    wait_until(triton.is_ready, "Triton")


@pytest.mark.parametrize("protocol", [tritonclient.http, tritonclient.grpc])
def test_a_stranger_may_ask_the_models_but_not_load_one(
    models: Models, triton: Triton, tmp_path: Path, protocol: Any
) -> None:
    models.load(served(tmp_path, 1))
    address = {tritonclient.http: http, tritonclient.grpc: grpc}[protocol](triton)
    with protocol.InferenceServerClient(address) as client:
        for change in (client.load_model, client.unload_model):
            with pytest.raises(InferenceServerException, match="restricted"):
                change("pets")
    assert ask(protocol, address) == 1

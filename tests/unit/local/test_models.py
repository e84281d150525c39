"""What is loaded in Triton, with a Triton that is only told of: what a probe, a heal and a load make of its answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException

from lepton.artifact import write_digest
from lepton.backends.local.home import Home
from lepton.backends.local.models import Models, Served
from lepton.backends.local.triton import Triton
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from tests.artifacts import traffic

IMAGE = SimpleNamespace(name="image", datatype="UINT8", shape=[-1, 8, 8, 1])


@dataclass
class FakeClient:
    """A server that has loaded what it was told to."""

    digests: dict[str, str] = field(default_factory=dict)
    unloaded: list[str] = field(default_factory=list)
    answers_after_s: float = 0.0
    meanwhile: Callable[[], object] = lambda: None
    """What happens while it is asked."""
    mute: bool = False
    """Whether it no longer says what it loaded."""

    def is_model_ready(self, name: str, client_timeout: float) -> bool:
        del client_timeout
        if self.mute:
            raise InferenceServerException("the server is too busy to say")
        return name in self.digests

    def get_model_config(self, name: str, client_timeout: float) -> Any:
        del client_timeout
        config = ModelConfig(name=name)
        config.parameters["digest"].string_value = self.digests[name]
        return SimpleNamespace(config=config)

    def get_model_metadata(self, name: str, client_timeout: float) -> Any:
        del name, client_timeout
        return SimpleNamespace(inputs=[IMAGE])

    def infer(self, name: str, inputs: object, request_id: str, client_timeout: float) -> None:
        del name, inputs, request_id
        self.meanwhile()
        if client_timeout < self.answers_after_s:
            raise InferenceServerException("Deadline Exceeded", "StatusCode.DEADLINE_EXCEEDED")

    def load_model(self, name: str, headers: object, config: str, client_timeout: float) -> None:
        del headers, client_timeout
        self.digests[name] = "sha256:" + config.split("sha256:")[1].split('"', maxsplit=1)[0]

    def unload_model(self, name: str, headers: object, client_timeout: float) -> None:
        del headers, client_timeout
        self.unloaded.append(name)
        self.digests.pop(name, None)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def models(tmp_path: Path, client: FakeClient) -> Models:
    triton = SimpleNamespace(alive=lambda: SimpleNamespace(pid=1), is_ready=lambda: True, key_header={})
    made = Models(Home(tmp_path / "home").make(), cast(Triton, triton))
    made._client = (1, client)
    return made


@pytest.fixture
def served(tmp_path: Path) -> Served:
    directory = tmp_path / "artifact"
    (directory / "repository" / "model").mkdir(parents=True)
    (directory / "repository" / "model" / "config.pbtxt").write_text('name: "model"')
    return traffic("pets", directory, write_digest(directory))


def test_a_model_that_answers_after_its_queue_is_busy_and_not_broken(
    models: Models, client: FakeClient, served: Served
) -> None:
    models.load(served)
    client.answers_after_s = 30.0
    assert (models.heal(), client.unloaded, models.is_healthy("pets")) == ([], [], True)


def test_a_model_that_does_not_answer_is_loaded_again(models: Models, client: FakeClient, served: Served) -> None:
    models.load(served)
    client.answers_after_s = 1000.0
    assert (models.heal(), client.unloaded, models.is_healthy("pets")) == (["pets"], ["pets"], True)
    assert models.digest("pets") == served.digest


def test_what_was_unloaded_while_it_was_probed_is_not_loaded_again(
    models: Models, client: FakeClient, served: Served
) -> None:
    models.load(served)
    client.answers_after_s, client.meanwhile = 1000.0, lambda: models.unload("pets")
    assert (models.heal(), models.records(), client.digests, models.is_healthy("pets")) == ([], {}, {}, True)


def test_a_server_that_does_not_say_what_it_loaded_has_not_loaded_something_else(
    models: Models, client: FakeClient, served: Served
) -> None:
    client.mute = True
    with pytest.raises(LeptonError, match=r"^Triton: the server is too busy to say$") as failure:
        models.load(served)
    assert failure.value.reason is Reason.SERVER_UNAVAILABLE
    assert models.digest("pets") is None

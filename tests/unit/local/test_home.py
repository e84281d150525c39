"""Where everything lies, and ports."""

import socket
from pathlib import Path

import pytest

from lepton.backends.local.home import Home, Settings
from lepton.backends.local.ports import free_port, require_free
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason

ENVIRONMENTS = {
    "LEPTON_HOME names it": ({"LEPTON_HOME": "/x/home"}, "/x/home"),
    "XDG_STATE_HOME holds it": ({"XDG_STATE_HOME": "/x/state"}, "/x/state/lepton"),
    "else it is in the user's own": ({"HOME": "/x/user"}, "/x/user/.local/state/lepton"),
}


@pytest.mark.parametrize(("environment", "root"), ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_the_home(environment: dict[str, str], root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEPTON_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Home.default() == Home(Path(root))


def test_a_home_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LeptonError, match="file") as error:
        Home(tmp_path / "file" / "home").make()
    assert error.value.reason is Reason.STORE_UNWRITABLE


def test_artifacts_go_where_the_settings_say(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.artifact_url(Settings(), "pets", "pets-build-1") == f"{tmp_path}/artifacts/pets/pets-build-1"
    assert home.artifact_url(Settings(artifacts="s3://b/x/"), "pets", "p1") == "s3://b/x/pets/p1"


def test_a_socket_below_the_folder_of_ray_has_a_path_short_enough(tmp_path: Path) -> None:
    directory = Home(tmp_path / ("long" * 20)).ray_directory
    socket_path = directory / "r" / "session_2026-11-21_02-54-51_224737_4194304" / "sockets" / "plasma_store.1"
    assert len(str(socket_path)) <= 107
    assert directory.stat().st_mode & 0o077 == 0
    directory.rmdir()


def test_a_port_in_use_is_named_with_the_option_that_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lepton.backends.local.ports._PATIENCE_S", 0.0)
    free = free_port()
    require_free({"--http-port": free})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LeptonError, match=f"port {port} .*--grpc-port") as error:
            require_free({"--http-port": free, "--grpc-port": port})
    assert error.value.reason is Reason.PORT_BUSY

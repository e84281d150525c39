"""What the control loop tells the command: of its servers, through `run/servers.json`, and of what it can't delete."""

from pathlib import Path

from lepton.backends.local.home import Home
from lepton.files import write_atomically
from lepton.spec.fields import Section
from lepton.spec.reasons import Reason

NOT_DELETED = "can't be deleted yet: "
"""How the message of a condition Ready begins that tells why a model which shall go is still there."""


class ServerStates(Section):
    """Each state is `starting`, `ready`, or what is wrong."""

    loop: int
    """pid of the loop that says so."""
    ray: str
    triton: str
    reason: Reason | None = None
    """Present when something is wrong."""

    @property
    def ready(self) -> bool:
        """Whether everything takes work."""
        return self.ray == self.triton == "ready"


def write_states(home: Home, states: ServerStates) -> None:
    """Tell. Raises LeptonError."""
    write_atomically(_file(home), states.model_dump_json().encode())


def read_states(home: Home) -> ServerStates | None:
    """What was told last; None when nothing was."""
    try:
        return ServerStates.model_validate_json(_file(home).read_bytes())
    except FileNotFoundError:
        return None


def forget_states(home: Home) -> None:
    """Nothing holds any more."""
    _file(home).unlink(missing_ok=True)


def _file(home: Home) -> Path:
    return home.run / "servers.json"

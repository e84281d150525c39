"""The command run in the process of the tests, and the store that it left."""

from pathlib import Path

from lepton.backends.local.home import Home
from lepton.backends.local.store import Store
from lepton.cli.app import app
from lepton.cli.errors import guarded
from lepton.spec.resource import LeptonModel

DIGITS = """\
apiVersion: leptonml.dev/v1alpha1
kind: LeptonModel
metadata: {name: digits}
spec: {task: image-classification, data: {uri: "sklearn://digits"}}
"""


def lepton(*words: str | Path) -> int:
    """Run a command in this process, as `main` would. Returns its exit code."""
    import typer  # noqa: PLC0415

    try:
        return guarded(lambda: typer.main.get_command(app)([str(word) for word in words], prog_name="lepton"))
    except SystemExit as error:
        return int(error.code or 0)


def stored(home: Home) -> dict[str, LeptonModel]:
    store = Store(home.database)
    try:
        return {model.metadata.name: model for model in store.models()}
    finally:
        store.close()

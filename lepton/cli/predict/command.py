"""`lepton predict`: from what the user gave to answers on stdout. One request that fails does not stop the others."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import JsonValue

from lepton.cli import console
from lepton.cli.errors import CommandError
from lepton.cli.place import Place, require
from lepton.cli.predict.client import Answer, Client
from lepton.cli.predict.inputs import Item, collect
from lepton.cli.predict.show import answers_view
from lepton.cli.show.resource import message_of
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Protocol


@dataclass(frozen=True)
class Wish:
    """How `predict` was asked to ask and to show."""

    protocol: Protocol
    top_k: int | None
    as_json: bool


def predict(place: Place, name: str, arguments: Sequence[str], wish: Wish) -> None:
    """Ask the model about everything that was given. Raises CommandError when any of it got no answer."""
    top_k = wish.top_k
    with client_of(place, require(place, name), wish.protocol) as client:
        items = list(collect(arguments, client.image_shape()))
        answers, refused = _ask_all(client, items)
    if wish.as_json:
        predictions: list[JsonValue] = [answer.to_json(top_k) for answer in answers]
        console.write(console.as_json({"model": name, "protocol": wish.protocol, "predictions": predictions}))
    elif answers:
        console.stdout().print(answers_view(answers, top_k))
    if top_k is not None and answers and top_k > len(answers[0].top):
        console.note(f"the model lists {len(answers[0].top)} classes: deploy.topK says how many")
    if refused:
        raise CommandError("\n".join(refused))


@contextmanager
def client_of(place: Place, model: LeptonModel, protocol: Protocol) -> Iterator[Client]:
    """A client of what serves. Raises CommandError with the cause when nothing does."""
    name, address = model.metadata.name, model.status.endpoint
    if address is None:
        raise CommandError(f"{name} does not serve yet ({model.status.phase.value}): {message_of(model)}")
    nobody = (
        f"nothing answers at {address.host(protocol)} ({protocol}): {place.start_hint}, "
        f"`lepton get {name}` tells whether the model serves"
    )
    with place.connect(model, protocol) as connection:
        yield Client(connection, nobody)


def _ask_all(client: Client, items: Sequence[Item]) -> tuple[list[Answer], list[str]]:
    answers: list[Answer] = []
    refused: list[str] = []
    for item in items:
        try:
            answers.append(client.ask(item))
        except CommandError as error:
            refused.append(f"{item.name}: {error.message}")
    return answers, refused

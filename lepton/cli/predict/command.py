"""`lepton predict`: from what the user gave to answers on stdout. One request that fails does not stop the others."""

from collections.abc import Sequence

from pydantic import JsonValue

from lepton.cli import console
from lepton.cli.errors import CommandError
from lepton.cli.machine import open_store, require
from lepton.cli.predict.client import Answer, Client
from lepton.cli.predict.inputs import Item, collect
from lepton.cli.predict.show import answers_view
from lepton.cli.show.resource import message_of
from lepton.spec.resource import LeptonModel
from lepton.spec.status import EndpointAddress, Protocol


def predict(name: str, arguments: Sequence[str], protocol: Protocol, top_k: int | None, *, as_json: bool) -> None:
    """Ask the model about everything that was given. Raises CommandError when any of it got no answer."""
    with open_store() as store:
        address = address_of(require(store, name))
    with Client(address, protocol) as client:
        items = list(collect(arguments, client.image_shape()))
        answers, refused = _ask_all(client, items)
    if as_json:
        predictions: list[JsonValue] = [answer.to_json(top_k) for answer in answers]
        console.write(console.as_json({"model": name, "protocol": protocol, "predictions": predictions}))
    elif answers:
        console.stdout().print(answers_view(answers, top_k))
    if top_k is not None and answers and top_k > len(answers[0].top):
        console.note(f"the model lists {len(answers[0].top)} classes: deploy.topK says how many")
    if refused:
        raise CommandError("\n".join(refused))


def address_of(model: LeptonModel) -> EndpointAddress:
    """Where the model answers. Raises CommandError with the cause when it does not serve."""
    if model.status.endpoint is None:
        name = model.metadata.name
        raise CommandError(f"{name} does not serve yet ({model.status.phase.value}): {message_of(model)}")
    return model.status.endpoint


def _ask_all(client: Client, items: Sequence[Item]) -> tuple[list[Answer], list[str]]:
    answers: list[Answer] = []
    refused: list[str] = []
    for item in items:
        try:
            answers.append(client.ask(item))
        except CommandError as error:
            refused.append(f"{item.name}: {error.message}")
    return answers, refused

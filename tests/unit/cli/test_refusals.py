"""What an API server refuses, in a sentence for who typed the command."""

import pytest

from lepton.backends.kubernetes.client import ApiError
from lepton.cli.cluster.refusals import in_words
from lepton.spec.resource import LeptonModel


def invalid(field_: str, message: str, reason: str = "FieldValueInvalid") -> ApiError:
    unchecked = {"field": "<nil>", "message": "Invalid value: null: some validation rules were not checked"}
    cause = {"field": field_, "message": message, "reason": reason}
    return ApiError(422, "Invalid", "is invalid", (cause, unchecked))


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ApiError(0, "Unreachable", "refused"), 1, "can't reach the cluster of context 'c' at https://x (refused)"),
        (ApiError(401, "Unauthorized", "Unauthorized"), 1, "its token may have expired"),
        (ApiError(403, "Forbidden", "you can't"), 1, "forbids it: you can't: ask whoever runs it for that right"),
        (ApiError(409, "Conflict", "another did"), 1, "the cluster of context 'c' refuses: another did: try again"),
        (ApiError(503, "", "busy"), 1, "the cluster of context 'c' refuses: busy: try again"),
        (
            invalid("spec.train.epochs", "Invalid value: 0: spec.train.epochs in body should be greater than 1"),
            2,
            "digits: spec.train.epochs: given 0; allowed: a whole number from 1 to 10000",
        ),
        (
            invalid("spec", 'Invalid value: "object": data.split.validation and data.split.test leave nothing'),
            2,
            "digits: spec: data.split.validation and data.split.test leave nothing",
        ),
        (
            invalid("spec.data.uri", "Required value", "FieldValueRequired"),
            2,
            "digits: spec.data.uri: missing; allowed: text",
        ),
        (
            invalid(
                "spec.gate.minAccuracy", 'Invalid value: "number": must be in percent, such as 95 rather than 0.95'
            ),
            2,
            "digits: spec.gate.minAccuracy: given 0.9: must be in percent, such as 95 rather than 0.95",
        ),
        (
            invalid("spec.train.schedule", 'Unsupported value: "x": supported values: "constant"'),
            2,
            "digits: spec.train.schedule: given null; allowed: constant, cosine, onecycle or step",
        ),
        (
            ApiError(
                500, "", "failed to create typed patch object (x): .spec.train.epochs: expected numeric, got string"
            ),
            2,
            "digits: spec.train.epochs: given 0; allowed: a whole number from 1 to 10000",
        ),
        (
            ApiError(500, "", "failed to create typed patch object (x): .spec.nosuch: field not declared in schema"),
            2,
            "digits: spec.nosuch: no such field on this cluster, whose CRD is of another version of Lepton",
        ),
    ],
)
def test_what_an_api_server_refuses_is_a_sentence(
    error: ApiError, code: int, sentence: str, fresh: LeptonModel
) -> None:
    train = fresh.spec.train.model_copy(update={"epochs": 0})  # what no file gets past the command
    spec = fresh.spec.model_copy(
        update={"train": train, "gate": fresh.spec.gate.model_copy(update={"min_accuracy": 0.9})}
    )
    told = in_words(error, "c", "https://x", fresh.model_copy(update={"spec": spec}))
    assert (told.exit_code, sentence in told.message) == (code, True), told.message

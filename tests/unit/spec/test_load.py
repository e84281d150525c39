"""The loader: whatever a user hands in becomes models, or sentences that say what to mend."""

import json
from dataclasses import replace

import pytest

from lepton.spec.document import MAX_BYTES
from lepton.spec.load import Loaded, load
from lepton.spec.problems import Problem
from lepton.spec.resource import LeptonModel
from tests.bad_specs import BAD_SPECS, BadSpec

FOUR_LINES = """\
apiVersion: leptonml.dev/v1alpha1
kind: LeptonModel
metadata: {name: digits}
spec: {task: image-classification, data: {uri: "sklearn://digits"}}
"""
MINIMAL = LeptonModel.model_validate(
    {
        "apiVersion": "leptonml.dev/v1alpha1",
        "kind": "LeptonModel",
        "metadata": {"name": "digits"},
        "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}},
    }
)


def with_spec(lines: str) -> str:
    """A file whose spec, from line 7 on, holds the given lines besides task and data."""
    indented = "".join(f"  {line}\n" for line in lines.splitlines())
    head = FOUR_LINES.splitlines()[:3]
    return "\n".join([*head, "spec:", "  task: image-classification", '  data: {uri: "sklearn://digits"}', indented])


def sentences(text: bytes | str) -> list[str]:
    loaded = load(text)
    assert loaded.models == ()
    return [str(problem) for problem in loaded.problems]


def test_task_and_data_suffice() -> None:
    assert load(FOUR_LINES) == Loaded(models=(MINIMAL,))


def test_several_documents_give_several_models_and_empty_ones_are_passed_over() -> None:
    other = FOUR_LINES.replace("name: digits", "name: others")
    loaded = load(f"---\n{FOUR_LINES}---\n---\n# nothing\n---\n{other}")
    assert [model.metadata.name for model in loaded.models] == ["digits", "others"]


def test_what_lepton_writes_is_ignored_in_a_users_file() -> None:
    written = FOUR_LINES.replace(
        "{name: digits}",
        "{name: digits, uid: u-1, generation: 7, resourceVersion: '9', creationTimestamp: 2026-01-01T00:00:00Z}",
    )
    assert load(written + "status: {phase: Nonsense}\n") == Loaded(models=(MINIMAL,))


def test_a_problem_holds_all_its_parts() -> None:
    assert load(with_spec("train:\n  optimizer: {learningRat: 1e-3}")).problems == (
        Problem(
            field="spec.train.optimizer.learningRat",
            wrong="no such field",
            allowed="name, learningRate, weightDecay",
            nearest="learningRate",
            line=8,
        ),
    )


@pytest.mark.parametrize("bad", BAD_SPECS, ids=lambda bad: bad.name)
def test_a_bad_spec_is_told_with_its_field_and_what_is_allowed(bad: BadSpec) -> None:
    (problem,) = load(json.dumps(bad.document)).problems
    assert (problem.field, str(replace(problem, field="", line=None))) == (bad.field, bad.sentence)


VALUE_MISTAKES = {
    "infinity": (
        "gate: {maxP99Ms: .inf}",
        "line 7: spec.gate.maxP99Ms: given .inf; allowed: a number below 2^63",
    ),
    "not a number": (
        "gate: {maxP99Ms: .nan}",
        "line 7: spec.gate.maxP99Ms: given .nan; allowed: a number below 2^63",
    ),
    "a number with more digits than Python prints": (
        f"train: {{epochs: 0x{'f' * 5000}}}",
        f"line 7: spec.train.epochs: given 0x{'f' * 75}...; allowed: a number below 2^63",
    ),
    "a section that is empty": (
        "deploy:",
        "line 7: spec.deploy: given null; allowed: a section with engine, instances, replicas, resources, topK, "
        "batching",
    ),
    "a section's mistake, which is told on its first line": (
        "model: {architecture: lenet, depth: 20}",
        "line 7: spec.model: depth is only for resnet",
    ),
}


@pytest.mark.parametrize(("spec", "sentence"), VALUE_MISTAKES.values(), ids=VALUE_MISTAKES)
def test_a_value_that_json_has_not_is_told_with_its_line(spec: str, sentence: str) -> None:
    assert sentences(with_spec(spec)) == [sentence]


TEXT_MISTAKES: dict[str, tuple[bytes | str, str]] = {
    "nothing": ("", "empty; allowed: at least one LeptonModel"),
    "only comments": ("# nothing\n---\n", "empty; allowed: at least one LeptonModel"),
    "no YAML": ("a: [", "line 1: not YAML: expected the node content, but found '<stream end>'"),
    "a tab": ("a:\n\tb: 1", "line 2: given a tab at the start of a line; allowed: spaces"),
    "bytes that are not UTF-8": (b"a: 1\nb: \xff", "line 2: given the byte 0xff; allowed: text in UTF-8"),
    "too long a file": (" " * (MAX_BYTES + 1), "given more than 256 KiB; allowed: a file that a person writes"),
    "too many values": (f"[{'1,' * 30_000}]", "not YAML: more than 20000 values"),
    "lists in lists": ("[" * 5000, "not YAML: nested more than 40 deep"),
    "sections in sections": ("{a: " * 5000, "not YAML: nested more than 40 deep"),
    "lists in lists in lines": ("- " * 5000, "not YAML: nested more than 40 deep"),
    "a list that holds itself": (
        "&a [*a]",
        "not YAML: its aliases unfold to more than 20000 values or 40 levels",
    ),
    "a bomb of aliases": (
        "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "not YAML: its aliases unfold to more than 20000 values or 40 levels",
    ),
    "a Python object": (
        "!!python/object/apply:os.system [ls]",
        "line 1: given the tag tag:yaml.org,2002:python/object/apply:os.system; allowed: plain YAML without tags",
    ),
    "a list": ("[1, 2]", "line 1: given [1, 2]; allowed: a section with apiVersion, kind, metadata, spec"),
    "a name twice": (
        f"{FOUR_LINES}---\n{FOUR_LINES}",
        "line 8: metadata.name: digits is given twice; allowed: each model once",
    ),
    "a key twice": (
        FOUR_LINES + "kind: LeptonModel\n",
        "line 5: kind: given twice, on line 2 too; allowed: each field once",
    ),
    "a key that is no text": (
        FOUR_LINES.replace("{name: digits}", "{name: digits, labels: {1: a}}"),
        "line 3: metadata.labels: given 1 as the name of a field; allowed: text: put it in quotes",
    ),
    "a value that is no text": (
        FOUR_LINES.replace("{name: digits}", "{name: digits, labels: {a: 1}}"),
        "line 3: metadata.labels.a: given 1; allowed: text, in quotes",
    ),
    "a name that YAML takes for false": (
        FOUR_LINES.replace("{name: digits}", "{name: no}"),
        "line 3: metadata.name: given false; allowed: text of 1 to 40 characters that matches "
        "^[a-z]([-a-z0-9]*[a-z0-9])?$, such as pets, in quotes",
    ),
    "half of a character": (
        FOUR_LINES.replace("sklearn://digits", "\\ud800"),
        "line 4: spec.data.uri: given half of a Unicode character; allowed: text",
    ),
    "another kind": (
        FOUR_LINES.replace("kind: LeptonModel", "kind: Leptonmodel"),
        'line 2: kind: given "Leptonmodel"; allowed: LeptonModel; did you mean LeptonModel?',
    ),
}


@pytest.mark.parametrize(("text", "sentence"), TEXT_MISTAKES.values(), ids=TEXT_MISTAKES)
def test_whatever_is_wrong_with_the_text_is_a_sentence(text: bytes | str, sentence: str) -> None:
    assert sentences(text) == [sentence]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = with_spec("deploy: {topp: 5}\ngate: {minAccuracy: 101}\ntask: image-classification")
    assert sentences(text) == [
        "line 7: spec.deploy.topp: no such field; allowed: engine, instances, replicas, resources, topK, batching; "
        "did you mean topK?",
        "line 8: spec.gate.minAccuracy: given 101; allowed: a number from 0 to 100",
        "line 9: spec.task: given twice, on line 5 too; allowed: each field once",
    ]


def test_one_bad_document_keeps_the_good_ones_from_being_applied() -> None:
    assert load(f"{FOUR_LINES}---\nkind: LeptonModel\n").models == ()


def test_an_exponent_without_a_point_is_a_number_as_in_json() -> None:
    (model,) = load(with_spec("train: {optimizer: {learningRate: 1e-3}}")).models
    assert model.spec.train.optimizer.learning_rate == 0.001


def test_of_very_many_mistakes_the_first_hundred_are_told() -> None:
    told = sentences(FOUR_LINES + "".join(f"x{number}: 1\n" for number in range(150)))
    assert len(told) == 101
    assert told[-1] == "50 more mistakes"


def test_a_long_value_is_shown_shortened() -> None:
    (sentence,) = sentences(with_spec(f"task: {'x' * 500}").replace("  task: image-classification\n", ""))
    assert sentence == f'line 6: spec.task: given "{"x" * 76}...; allowed: image-classification'

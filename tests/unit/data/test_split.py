"""The division of examples: nothing leaks, nobody is left out, and the seed alone decides."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lepton.errors import LeptonError
from lepton.spec.data import Split
from lepton.spec.reasons import Reason
from lepton.train.data.split import choose, divide

Example = tuple[str, bytes]
unhurried = settings(deadline=None)


@st.composite
def example_sets(draw: st.DrawFn) -> list[Example]:
    """Two to four classes, each of three to forty different contents, some of them many times, some contradicted."""
    examples: list[Example] = []
    for label in "abcd"[: draw(st.integers(2, 4))]:
        copies = draw(st.lists(st.integers(1, 4), min_size=3, max_size=40))
        examples += [(label, f"{label}{number}".encode()) for number, count in enumerate(copies) for _ in range(count)]
    # A contradiction is outvoted, so that it takes no content away from its class.
    majority = [content for _, content in examples if sum(other == content for _, other in examples) >= 3]
    contradicted = draw(st.lists(st.sampled_from(majority), unique=True, max_size=5)) if majority else []
    examples += [("b" if content.startswith(b"a") else "a", content) for content in contradicted]
    return examples


splits = st.builds(Split, validation=st.floats(0.01, 0.49), test=st.floats(0.01, 0.49), seed=st.integers(0, 2**31 - 1))


def contents_of(examples: list[Example], split: Split) -> dict[str, list[Example]]:
    sides = divide([label for label, _ in examples], [content for _, content in examples], split)
    return {side: [examples[index] for index in indices] for side, indices in sides.items()}


@unhurried
@given(example_sets(), splits)
def test_every_example_is_on_one_side_and_no_content_on_two(examples: list[Example], split: Split) -> None:
    sides = contents_of(examples, split)
    assert sorted(example for side in sides.values() for example in side) == sorted(examples)
    contents = [{content for _, content in side} for side in sides.values()]
    assert sum(map(len, contents)) == len(set.union(*contents))


@unhurried
@given(example_sets(), splits)
def test_every_class_is_on_every_side(examples: list[Example], split: Split) -> None:
    classes = {label for label, _ in examples}
    assert {
        side: {label for label, _ in found} for side, found in contents_of(examples, split).items()
    } == dict.fromkeys(("train", "validation", "test"), classes)


@unhurried
@given(example_sets(), splits, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_changes_nothing(examples: list[Example], split: Split, chance: random.Random) -> None:
    shuffled = list(examples)
    chance.shuffle(shuffled)
    assert contents_of(shuffled, split) == contents_of(examples, split)


@unhurried
@given(st.integers(20, 200), splits)
def test_the_shares_are_those_asked_for_to_within_one_example(count: int, split: Split) -> None:
    labels, contents = ["a"] * count, [b"%d" % number for number in range(count)]
    sides = divide(labels, contents, split)
    validation = max(1, round(split.validation * count))
    test = max(1, round(split.test * count))
    assume(validation + test < count)  # else training takes the one that it needs
    assert {side: len(found) for side, found in sides.items()} == {
        "train": count - validation - test,
        "validation": validation,
        "test": test,
    }


def test_another_seed_divides_otherwise() -> None:
    examples = [("ab"[number % 2], b"%d" % number) for number in range(100)]
    assert contents_of(examples, Split(seed=1)) != contents_of(examples, Split(seed=2))


def test_a_class_with_fewer_than_three_different_images_is_refused() -> None:
    labels, contents = ["a"] * 3 + ["b"] * 5, [b"1", b"2", b"3", b"4", b"4", b"4", b"5", b"5"]
    with pytest.raises(LeptonError, match="class b has 2 different images") as caught:
        divide(labels, contents, Split())
    assert caught.value.reason == Reason.DATA_INVALID


@unhurried
@given(st.lists(st.integers(3, 60), min_size=2, max_size=4), st.integers(12, 250), st.integers(0, 100))
def test_a_limit_keeps_the_proportions_and_at_least_three_of_each_class(
    sizes: list[int], limit: int, seed: int
) -> None:
    labels = [str(number) for number, size in enumerate(sizes) for _ in range(size)]
    names = [f"row {row}" for row in range(len(labels))]
    rows = choose(labels, names, limit, seed)
    assert len(rows) == min(limit, len(labels))
    for number, size in enumerate(sizes):
        kept = sum(labels[row] == str(number) for row in rows)
        fair = size * min(limit, len(labels)) / len(labels)
        assert min(3, size) <= kept
        assert abs(kept - fair) <= 3 * len(sizes)
    assert choose(labels, names, limit, seed) == rows


def test_a_limit_too_small_for_the_classes_is_refused() -> None:
    labels = [str(number) for number in range(5) for _ in range(4)]
    with pytest.raises(LeptonError, match=r"data\.limit 10 is too small for 5 classes: give 15 or more"):
        choose(labels, [str(row) for row in range(20)], 10, seed=0)

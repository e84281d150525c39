"""Every figure of an evaluation against scikit-learn and torchmetrics, and against resamples drawn one by one."""

import time

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score, roc_auc_score
from torchmetrics.functional.classification import multiclass_calibration_error

from lepton.evaluate.metrics.accuracy import resampled_accuracy
from lepton.evaluate.metrics.calibration_error import resampled_calibration_error
from lepton.evaluate.metrics.precision_recall_f1 import precision_recall_f1
from lepton.evaluate.metrics.roc_auc import resampled_roc_auc
from lepton.evaluate.run import evaluate
from lepton.evaluate.sample import Sample, bootstrap
from lepton.report import Evaluation, Interval


def answers(examples: int, classes: int, seed: int = 0) -> Sample:
    random = np.random.default_rng(seed)
    labels = random.integers(classes, size=examples)
    scores = random.random((examples, classes)) + 0.5 * np.eye(classes)[labels]
    # Rounding makes ties, which a rank statistic must count half.
    return Sample((scores / scores.sum(axis=1, keepdims=True)).round(2), labels)


def names(classes: int) -> list[str]:
    return [f"class {index}" for index in range(classes)]


def torchmetrics_calibration(probabilities: np.ndarray, labels: np.ndarray) -> float:
    arrays = torch.from_numpy(probabilities), torch.from_numpy(labels)
    return float(multiclass_calibration_error(*arrays, num_classes=probabilities.shape[1], n_bins=15, norm="l1"))


@pytest.mark.parametrize(("examples", "classes"), [(200, 2), (360, 10), (57, 5)])
def test_every_value_is_that_of_scikit_learn_and_torchmetrics(examples: int, classes: int) -> None:
    sample = answers(examples, classes)
    result = evaluate(sample.probabilities, sample.labels, names(classes))
    truth, given = sample.labels, sample.answers
    one_hot = np.eye(classes)[truth]
    found = {
        "accuracy": result.accuracy.value,
        "macro_f1": result.macro_f1.value,
        "roc_auc": result.roc_auc and result.roc_auc.value,
        "calibration_error": result.calibration_error.value,
        "precision": [interval.value for interval in result.precision.values()],
        "recall": [interval.value for interval in result.recall.values()],
        "f1": [interval.value for interval in result.f1.values()],
    }
    expected = {
        "accuracy": 100 * accuracy_score(truth, given),
        "macro_f1": 100 * f1_score(truth, given, average="macro"),
        "roc_auc": roc_auc_score(one_hot, sample.probabilities, average="macro"),
        "calibration_error": torchmetrics_calibration(sample.probabilities, truth),
        "precision": 100 * precision_score(truth, given, average=None),
        "recall": 100 * recall_score(truth, given, average=None),
        "f1": 100 * f1_score(truth, given, average=None),
    }
    assert {name: pytest.approx(value, abs=1e-6) for name, value in expected.items()} == found
    assert result.confusion == tuple(map(tuple, confusion_matrix(truth, given).tolist()))


def test_the_figures_of_a_resample_are_those_of_the_examples_drawn_one_by_one() -> None:
    sample = answers(120, 4)
    counts = next(bootstrap(120, 25, seed=3))
    per_class = precision_recall_f1(sample, counts)
    found = np.stack(
        [
            resampled_accuracy(sample, counts),
            per_class.macro_f1,
            resampled_roc_auc(sample, counts),
            resampled_calibration_error(sample, counts),
            *per_class.precision,
            *per_class.recall,
        ]
    )

    def one_by_one(times_drawn: np.ndarray) -> list[float]:
        drawn = np.repeat(np.arange(120), times_drawn)
        probabilities, truth = sample.probabilities[drawn], sample.labels[drawn]
        given = probabilities.argmax(axis=1)
        return [
            100 * accuracy_score(truth, given),
            100 * f1_score(truth, given, average="macro"),
            roc_auc_score(np.eye(4)[truth], probabilities, average="macro"),
            torchmetrics_calibration(probabilities, truth),
            *100 * precision_score(truth, given, average=None),
            *100 * recall_score(truth, given, average=None),
        ]

    expected = np.stack([one_by_one(column) for column in counts.T], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_resample_holds_as_many_examples_as_the_sample() -> None:
    counts = np.concatenate(list(bootstrap(360, 50, seed=1)), axis=1)
    assert (counts.shape, set(counts.sum(axis=0).tolist())) == ((360, 50), {360})


def test_the_interval_of_an_accuracy_is_the_binomial_one() -> None:
    sample = answers(500, 3)
    interval = evaluate(sample.probabilities, sample.labels, names(3)).accuracy
    share = interval.value / 100
    half = 100 * 1.96 * (share * (1 - share) / 500) ** 0.5
    assert (interval.low, interval.high) == pytest.approx((interval.value - half, interval.value + half), abs=0.4)


def test_equal_seeds_give_equal_evaluations_and_other_seeds_other_intervals() -> None:
    sample = answers(100, 3)
    arguments = (sample.probabilities, sample.labels, names(3))
    assert evaluate(*arguments, seed=5) == evaluate(*arguments, seed=5) != evaluate(*arguments, seed=6)


def test_classes_without_examples_or_answers_give_zeros_and_no_area() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0, 0.0], [0.8, 0.2, 0.0, 0.0], [0.3, 0.7, 0.0, 0.0]])
    result = evaluate(probabilities, [0, 0, 1], ["seen", "rare", "answered never", "absent"])
    zero, full = Interval(value=0, low=0, high=0), Interval(value=100, low=100, high=100)
    per_class = {"seen": full, "rare": full, "answered never": zero, "absent": zero}
    assert result == Evaluation(
        examples=3,
        accuracy=full,
        macro_f1=full,
        roc_auc=None,
        calibration_error=result.calibration_error,
        precision=per_class,
        recall=per_class,
        f1=per_class,
        confusion=((2, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)),
    )


@pytest.mark.parametrize("label", [0, 1])
def test_a_single_example_right_or_wrong_gives_finite_figures(label: int) -> None:
    result = evaluate([[0.75, 0.25]], [label], ["a", "b"])
    assert (result.examples, result.accuracy.value, result.roc_auc) == (1, 100.0 * (label == 0), None)
    assert Evaluation.model_validate_json(result.model_dump_json()) == result


def test_probabilities_that_float32_rounding_takes_over_one_are_counted_as_one() -> None:
    result = evaluate(np.array([[np.nextafter(np.float32(1), np.float32(2)), 0.0]]), [0], ["a", "b"])
    assert result.calibration_error == Interval(value=0, low=0, high=0)


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [(np.zeros((0, 2)), []), (np.zeros((3, 2)), [0, 1]), (np.zeros((1, 3)), [0])],
    ids=["no example", "another number of labels", "another number of classes"],
)
def test_shapes_that_do_not_fit_are_refused(probabilities: np.ndarray, labels: list[int]) -> None:
    with pytest.raises(ValueError, match="examples, classes"):
        evaluate(probabilities, labels, ["a", "b"])


def test_the_held_out_digits_take_well_under_a_second() -> None:
    sample = answers(360, 10)
    began = time.process_time()
    evaluate(sample.probabilities, sample.labels, names(10))
    assert time.process_time() - began < 1

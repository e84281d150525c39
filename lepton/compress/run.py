"""Makes the trained model small: runs the recipe step by step and keeps what pays. Called by the build job.

Judged on the validation set; the held-out examples are never touched here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from lepton.compress.network import Network, Task
from lepton.compress.steps import Outcome, carry_out, export_trained
from lepton.compress.verdict import Measured, excessive_drop, judge
from lepton.errors import LeptonError
from lepton.hashing import short_hash
from lepton.report import Epoch, Progress, Say, Variant
from lepton.spec.compress import CompressStep
from lepton.spec.reasons import Reason
from lepton.spec.resource import Spec
from lepton.spec.train import PLACEMENT
from lepton.train.data.prepared import Prepared
from lepton.train.fit import Fitted

UNCOMPRESSED = "uncompressed"


@dataclass(frozen=True)
class Compressed:
    """The outcome of the recipe."""

    variants: tuple[Variant, ...]
    """The uncompressed model first, then one for each step, in the order of the recipe."""
    epochs: tuple[Epoch, ...]
    baseline_onnx: Path
    """The uncompressed model."""
    served_onnx: Path
    """What the kept steps made of it; the same file where none paid."""
    served: str
    """Name of the variant in `served_onnx`."""


@dataclass(frozen=True)
class _Kept:
    name: str
    outcome: Outcome

    @property
    def judged(self) -> Measured:
        measured = self.outcome.measured
        return Measured(self.name, measured.accuracy, measured.size_bytes)


def compress(spec: Spec, prepared: Prepared, trained: Fitted, directory: Path, say: Say) -> Compressed:
    """Compress `trained` by the recipe `spec.compress`; each step works in a folder below `directory` and is done once.

    A step that does not pay, costs more accuracy than `spec.gate.max_accuracy_drop`, or can't be done with this network
    is dropped: its variant says why, and the next step goes on from the one before. Raises LeptonError.
    """
    task = Task(spec, prepared, trained, say)
    steps = spec.compress.steps
    say(Progress(stage="compress", message="measuring the uncompressed model"))
    first = _Kept(UNCOMPRESSED, export_trained(task, directory / f"compress-0-export-{_hash(task, {})}"))
    kept = [first]
    variants = {UNCOMPRESSED: _variant(first, True, "the model as it was trained")}
    epochs: list[Epoch] = []
    for number, step in enumerate(steps, start=1):
        name = f"{number}-{step.method}"
        try:
            outcome = _do(task, number, name, kept[-1].outcome.network, directory)
        except LeptonError as error:
            if error.reason is not Reason.MODEL_INVALID:
                raise
            figures = f"the figures are those of {kept[-1].name}"
            variants[name] = _variant(replace(kept[-1], name=name), False, f"dropped: {error.message}; {figures}")
            continue
        after = _Kept(name, outcome)
        epochs += outcome.measured.epochs
        verdict = judge(kept[-1].judged, after.judged, outcome.measured.comparison)
        variants[name] = _variant(after, verdict.kept, verdict.decision)
        if verdict.kept:
            kept.append(after)
        if not _is_followed_by_recovery(steps, number):
            _give_up_what_costs_too_much(kept, variants, spec.gate.max_accuracy_drop)
    served = kept[-1]
    return Compressed(
        variants=tuple(variants.values()),
        epochs=tuple(epochs),
        baseline_onnx=first.outcome.network.onnx,
        served_onnx=served.outcome.network.onnx,
        served=served.name,
    )


def _do(task: Task, number: int, name: str, before: Network, directory: Path) -> Outcome:
    steps = task.spec.compress.steps
    step = steps[number - 1]

    def say(progress: Progress) -> None:
        task.say(progress.model_copy(update={"fraction": (number - 1 + progress.fraction) / len(steps)}))

    say(Progress(stage="compress", message=f"{name} begins"))
    inputs: dict[str, JsonValue] = {
        "step": step.model_dump(mode="json"),
        "weights": _sha256(before.weights),
        "onnx": _sha256(before.onnx),
        "train": task.spec.train.model_dump(mode="json", exclude=set(PLACEMENT)),
    }
    folder = directory / f"compress-{name}-{_hash(task, inputs)}"
    return carry_out(replace(task, say=say), step, name, before, folder)


def _hash(task: Task, inputs: dict[str, JsonValue]) -> str:
    same: dict[str, JsonValue] = {
        "trained": _sha256(task.trained.weights),
        "model": task.spec.model.model_dump(mode="json"),
        "data": task.prepared.digest,
        "image": task.spec.data.image.model_dump(mode="json"),
        "split": task.spec.data.split.model_dump(mode="json"),
    }
    return short_hash(same | inputs)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_followed_by_recovery(steps: Sequence[CompressStep], number: int) -> bool:
    """Whether the next step lets the same network learn on: the accuracy is judged after that."""
    following = steps[number].distill if number < len(steps) else None
    return following is not None and following.student is None


def _give_up_what_costs_too_much(kept: list[_Kept], variants: dict[str, Variant], most: float) -> None:
    while (why := excessive_drop(kept[0].judged, kept[-1].judged, most)) is not None:
        name = kept.pop().name
        variants[name] = variants[name].model_copy(update={"kept": False, "decision": why})


def _variant(kept: _Kept, is_kept: bool, decision: str) -> Variant:
    measured = kept.outcome.measured
    return Variant(
        name=kept.name,
        kept=is_kept,
        decision=decision,
        validation_accuracy=measured.accuracy,
        size_bytes=measured.size_bytes,
        macs=measured.macs,
        parameters=measured.parameters,
        runtime=measured.comparison.after,
        seconds=measured.seconds,
    )

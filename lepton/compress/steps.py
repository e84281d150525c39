"""Carries out one step of the recipe in a folder of its own, once: what was finished there is read, not made again.

pruned.safetensors    what pruning left, before fine-tuning
fit/                  checkpoints of fine-tuning or distillation
weights.safetensors   the float network
float.onnx, int8.onnx the float network, and its 8-bit version
done.json             what was measured; written last
Called by compress.run, which decides what becomes of the outcome.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import ValidationError

from lepton.compress.comparison import Comparison
from lepton.compress.export import export
from lepton.compress.measure import compare, count_operations
from lepton.compress.methods.distill import student_model
from lepton.compress.methods.prune import prune
from lepton.compress.methods.quantize import quantize
from lepton.compress.network import Network, Task
from lepton.compress.runtime import accuracy_percent
from lepton.files import write_atomically
from lepton.report import Epoch
from lepton.spec.compress import CompressStep, Distill, Prune
from lepton.spec.fields import Section
from lepton.train import weights
from lepton.train.fit import Fit
from lepton.train.run import fit

_RECOVERY = Distill()
"""A pruned network recovers by distillation: the teacher is at hand, and its answers tell more than the labels."""


class Measurement(Section):
    """What is known of a variant; `done.json`."""

    accuracy: float
    """Percent, on the validation set, as ONNX Runtime answers."""
    size_bytes: int
    macs: int
    parameters: int
    comparison: Comparison
    """Side by side with the variant that the step worked on."""
    epochs: tuple[Epoch, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a step made."""

    network: Network
    measured: Measurement


def export_trained(task: Task, folder: Path) -> Outcome:
    """The trained network as it is: exported, and measured beside itself."""
    network = Network(task.spec.model, task.trained.weights, folder / "float.onnx")
    done = _read(folder)
    if done is None:
        began = time.monotonic()
        _export(task, network)
        done = _measure(task, network, network, (), began)
        _finish(folder, done)
    return Outcome(network, done)


def carry_out(task: Task, step: CompressStep, name: str, before: Network, folder: Path) -> Outcome:
    """Do `step` on `before`. Raises LeptonError: MODEL_INVALID where the network can't be treated so, and fit's."""
    after = _planned(task, step, before, folder)
    done = _read(folder)
    if done is None:
        began = time.monotonic()
        epochs = _make(task, step, name, before, after)
        done = _measure(task, before, after, epochs, began)
        _finish(folder, done)
    return Outcome(after, done)


def _planned(task: Task, step: CompressStep, before: Network, folder: Path) -> Network:
    if step.quantize is not None:
        return replace(before, quantized=step.quantize, int8_onnx=folder / "int8.onnx")
    student = step.distill.student if step.distill is not None else None
    return Network(
        model=before.model if student is None else student_model(task.spec.model, student),
        weights=folder / "weights.safetensors",
        float_onnx=folder / "float.onnx",
        quantized=before.quantized,
        int8_onnx=None if before.quantized is None else folder / "int8.onnx",
    )


def _make(task: Task, step: CompressStep, name: str, before: Network, after: Network) -> tuple[Epoch, ...]:
    epochs: tuple[Epoch, ...] = ()
    if step.prune is not None:
        epochs = _prune(task, step.prune, name, before, after)
    elif step.distill is not None:
        start = before.weights if step.distill.student is None else None
        length = _length(task, step.distill.epochs)
        epochs = _learn(task, step.distill, name, after, start, length)
    if step.quantize is None:
        _export(task, after)
    if after.quantized is not None and after.int8_onnx is not None:
        quantize(after.float_onnx, task.calibration_images(after.quantized.calibration), after.int8_onnx)
    return epochs


def _prune(task: Task, spec: Prune, name: str, before: Network, after: Network) -> tuple[Epoch, ...]:
    net = before.load(task)
    prune(net, spec.ratio, torch.zeros(1, *task.example_shape))
    pruned = replace(after, weights=after.weights.with_name("pruned.safetensors"))
    weights.save(net, pruned.weights)
    pruned.load(task)  # what can't be rebuilt from its file must fail here, not in the worker that fine-tunes
    if spec.epochs == 0:
        weights.save(net, after.weights)
        return ()
    return _learn(task, _RECOVERY, name, after, pruned.weights, _length(task, spec.epochs))


def _length(task: Task, epochs: int | None) -> int:
    return epochs or max(1, task.spec.train.epochs // 2)


def _learn(task: Task, spec: Distill, name: str, after: Network, start: Path | None, epochs: int) -> tuple[Epoch, ...]:
    fitted = fit(
        Fit(
            model=after.model,
            train=task.spec.train.model_copy(update={"epochs": epochs}),
            data=task.prepared.directory,
            directory=after.weights.with_name("fit"),
            stage=name,
            augment=task.spec.data.image.augment,
            start=start,
            teacher=(task.spec.model, task.trained.weights),
            temperature=spec.temperature,
            alpha=spec.alpha,
        ),
        task.say,
    )
    write_atomically(after.weights, fitted.weights.read_bytes())
    return fitted.epochs


def _export(task: Task, network: Network) -> None:
    prepared = task.prepared
    export(network.load(task), prepared.mean, prepared.std, prepared.shape, network.float_onnx)


def _measure(task: Task, before: Network, after: Network, epochs: tuple[Epoch, ...], began: float) -> Measurement:
    images, labels = task.prepared.arrays("validation")
    macs, parameters = count_operations(after.load(task), task.prepared.shape)
    return Measurement(
        accuracy=accuracy_percent(after.onnx, images, labels),
        size_bytes=after.onnx.stat().st_size,
        macs=macs,
        parameters=parameters,
        comparison=compare(before.onnx, after.onnx, task.prepared.shape),
        epochs=epochs,
        seconds=round(time.monotonic() - began, 3),
    )


def _read(folder: Path) -> Measurement | None:
    try:
        return Measurement.model_validate_json((folder / "done.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _finish(folder: Path, measured: Measurement) -> None:
    write_atomically(folder / "done.json", measured.model_dump_json(by_alias=True).encode())

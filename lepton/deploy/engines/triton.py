"""Renders what Triton needs to serve an image classifier: config.pbtxt, and model.json for services/server/model.py.

The worker's packaging calls it. Pure: it writes nothing and knows no server; the real Triton checks it in the tests.
config.pbtxt has no `name`: Triton takes the folder's, so one artifact can be loaded under any name.
"""

import json
from collections.abc import Sequence

from lepton.spec.deploy import Deploy

Shape = tuple[int, int, int]


def model_config(classes: Sequence[str], shape: Shape, deploy: Deploy) -> str:
    """The text of config.pbtxt. Shape is height, width, channels of the canonical image (uint8)."""
    k = top_k(classes, deploy)
    blocks = [
        'backend: "python"',
        f"max_batch_size: {deploy.batching.max_size}",
        _tensor("input", "image_bytes", "TYPE_STRING", (1,), optional=True),
        _tensor("input", "image", "TYPE_UINT8", shape, optional=True),
        _tensor("output", "label", "TYPE_STRING", (1,)),
        _tensor("output", "probability", "TYPE_FP32", (1,)),
        _tensor("output", "top_k_labels", "TYPE_STRING", (k,)),
        _tensor("output", "top_k_probabilities", "TYPE_FP32", (k,)),
        _tensor("output", "probabilities", "TYPE_FP32", (len(classes),)),
        f"instance_group [ {{ kind: KIND_CPU count: {deploy.instances} }} ]",
        *(_warmup(shape, size) for size in sorted({1, deploy.batching.max_size})),
    ]
    if deploy.batching.max_size > 1:
        delay = round(deploy.batching.max_delay_ms * 1000)
        blocks.append(f"dynamic_batching {{ max_queue_delay_microseconds: {delay} }}")
    return "\n".join(blocks) + "\n"


def model_json(classes: Sequence[str], shape: Shape, resize: str, deploy: Deploy) -> str:
    """What the served model must know beside its weights; resize is stretch, crop or pad, as in training."""
    height, width, channels = shape
    content = {
        "classes": list(classes),
        "height": height,
        "width": width,
        "channels": channels,
        "resize": resize,
        "topK": top_k(classes, deploy),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def top_k(classes: Sequence[str], deploy: Deploy) -> int:
    """How many of the likeliest classes an answer lists: never more than there are."""
    return min(deploy.top_k, len(classes))


def _warmup(shape: Shape, batch_size: int) -> str:
    """The first answer of a fresh instance takes a hundred times as long: Triton asks for it before any user can."""
    sizes = ", ".join(str(size) for size in shape)
    value = f"{{ data_type: TYPE_UINT8 dims: [ {sizes} ] zero_data: true }}"
    image = f'{{ key: "image" value: {value} }}'
    return f'model_warmup [ {{ name: "batch of {batch_size}" batch_size: {batch_size} inputs [ {image} ] }} ]'


def _tensor(kind: str, name: str, data_type: str, dims: Sequence[int], *, optional: bool = False) -> str:
    sizes = ", ".join(str(size) for size in dims)
    flag = " optional: true" if optional else ""
    return f'{kind} [ {{ name: "{name}" data_type: {data_type} dims: [ {sizes} ]{flag} }} ]'

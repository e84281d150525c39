"""What is rendered for Triton. That Triton takes it is shown in tests/real/serving."""

import json

from lepton.deploy.engines.triton import model_config, model_json
from lepton.spec.deploy import Batching, Deploy

GOLDEN = """\
backend: "python"
max_batch_size: 8
input [ { name: "image_bytes" data_type: TYPE_STRING dims: [ 1 ] optional: true } ]
input [ { name: "image" data_type: TYPE_UINT8 dims: [ 28, 30, 3 ] optional: true } ]
output [ { name: "label" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "probability" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "top_k_labels" data_type: TYPE_STRING dims: [ 2 ] } ]
output [ { name: "top_k_probabilities" data_type: TYPE_FP32 dims: [ 2 ] } ]
output [ { name: "probabilities" data_type: TYPE_FP32 dims: [ 2 ] } ]
instance_group [ { kind: KIND_CPU count: 3 } ]
model_warmup [ { name: "batch of 1" batch_size: 1 \
inputs [ { key: "image" value: { data_type: TYPE_UINT8 dims: [ 28, 30, 3 ] zero_data: true } } ] } ]
model_warmup [ { name: "batch of 8" batch_size: 8 \
inputs [ { key: "image" value: { data_type: TYPE_UINT8 dims: [ 28, 30, 3 ] zero_data: true } } ] } ]
dynamic_batching { max_queue_delay_microseconds: 1500 }
"""


def test_the_whole_configuration_follows_from_the_spec():
    deploy = Deploy(instances=3, top_k=5, batching=Batching(max_size=8, max_delay_ms=1.5))
    assert model_config(("cat", "dog"), (28, 30, 3), deploy) == GOLDEN


def test_a_largest_batch_of_one_switches_batching_off():
    text = model_config(("cat", "dog"), (28, 28, 1), Deploy(batching=Batching(max_size=1)))
    assert "max_batch_size: 1\n" in text
    assert "dynamic_batching" not in text
    assert text.count("model_warmup") == 1


def test_the_served_model_is_told_classes_of_any_script_shape_and_top_k():
    text = model_json(("Katze", "犬", '"', "\\"), (28, 30, 3), "pad", Deploy(top_k=2))
    assert json.loads(text) == {
        "classes": ["Katze", "犬", '"', "\\"],
        "height": 28,
        "width": 30,
        "channels": 3,
        "resize": "pad",
        "topK": 2,
    }

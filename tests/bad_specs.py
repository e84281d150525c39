"""Bad specs, each with the field and the sentence: what `lepton validate` and `kubectl apply` both refuse.

tests/unit/spec/test_load.py hands them to the loader, tests/cluster/test_refusals.py to a real API server.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from lepton.spec.compress import CompressStep
from lepton.spec.data import IS_BUNDLED, NAMES_A_CLAIM, Image
from lepton.spec.gate import IN_PERCENT
from lepton.spec.model import OF_A_RESNET, Model
from lepton.spec.resource import Spec
from lepton.spec.rules import Rule
from lepton.spec.train import ARE_LABELS, Toleration


@dataclass(frozen=True)
class BadSpec:
    """One mistake."""

    name: str
    changes: dict[str, Any]
    """What the spec holds besides a task and data."""
    field: str
    """Where it is told."""
    sentence: str
    """What `lepton validate` says after the field."""
    refused_by: Literal["schema", "rule", "strictness"] = "schema"
    """What makes the API server refuse it; a rule says the very sentence."""
    metadata: dict[str, Any] = field(default_factory=lambda: {"name": "bad"})

    @property
    def document(self) -> dict[str, Any]:
        """The whole LeptonModel."""
        spec = {"task": "image-classification", "data": {"uri": "sklearn://digits"}, **self.changes}
        given = {name: value for name, value in spec.items() if value is not ...}
        head = {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": self.metadata}
        return {**head, "spec": given}


def breaks(name: str, changes: dict[str, Any], where: str, rule: Rule, given: str = "") -> BadSpec:
    """A spec that keeps all types and breaks a rule."""
    return BadSpec(name, changes, where, f"{given}{rule.sentence}", "rule")


def student(**fields: Any) -> dict[str, Any]:
    return {"steps": [{"distill": {"student": fields}}]}


BAD_SPECS = [
    # what each field allows
    BadSpec(
        "no data",
        {"data": ...},
        "spec.data",
        "missing; allowed: a section with uri, credentialsFrom, split, image, maxCorruptShare, limit",
    ),
    BadSpec("an unknown task", {"task": "guessing"}, "spec.task", 'given "guessing"; allowed: image-classification'),
    BadSpec(
        "a number out of bounds",
        {"train": {"epochs": 0}},
        "spec.train.epochs",
        "given 0; allowed: a whole number from 1 to 10000",
    ),
    BadSpec(
        "a fraction where a whole number belongs",
        {"train": {"epochs": 1.5}},
        "spec.train.epochs",
        "given 1.5; allowed: a whole number from 1 to 10000",
    ),
    BadSpec(
        "text where a number belongs",
        {"train": {"epochs": "5"}},
        "spec.train.epochs",
        'given "5"; allowed: a whole number from 1 to 10000',
    ),
    BadSpec(
        "a number where text belongs",
        {"train": {"queue": 5}},
        "spec.train.queue",
        "given 5; allowed: text of 1 to 63 characters that matches ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$, in quotes",
    ),
    BadSpec(
        "a share of one",
        {"compress": {"steps": [{"prune": {"ratio": 1}}]}},
        "spec.compress.steps[0].prune.ratio",
        "given 1; allowed: a number above 0 and below 1",
    ),
    BadSpec(
        "a misspelt word",
        {"data": {"uri": "x", "image": {"augment": ["flip", "corp"]}}},
        "spec.data.image.augment[1]",
        'given "corp"; allowed: crop, flip, rotate or erase; did you mean crop?',
    ),
    BadSpec(
        "a quantity that is none",
        {"train": {"resources": {"memory": "8 GB"}}},
        "spec.train.resources.memory",
        'given "8 GB"; allowed: text that matches ^([0-9]{1,15}(?:\\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|k|M|G|T|)$, such as 8Gi',
    ),
    BadSpec(
        "a label's value with a space",
        {"train": {"nodeSelector": {"pool": "two gpus"}}},
        "spec.train.nodeSelector.pool",
        'given "two gpus"; allowed: text that matches ^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$',
    ),
    BadSpec(
        "too many steps",
        {"compress": {"steps": [{"quantize": {}}] * 21}},
        "spec.compress.steps",
        'given [{"quantize": {}}, {"quantize": {}}, {"quantize": {}}, {"quantize": {}}, {"qu...; allowed: a list of at '
        "most 20; each item: a section with distill, prune, quantize",
    ),
    BadSpec(
        "a deadline at once",
        {"train": {"deadlineMinutes": 0}},
        "spec.train.deadlineMinutes",
        "given 0; allowed: a whole number from 1 to 100000",
    ),
    BadSpec(
        "credentials from nowhere",
        {"data": {"uri": "s3://pets", "credentialsFrom": {}}},
        "spec.data.credentialsFrom.secretRef",
        "missing; allowed: a section with name",
    ),
    BadSpec(
        "a toleration of an effect that there is not",
        {"train": {"tolerations": [{"operator": "Exists", "effect": "Never"}]}},
        "spec.train.tolerations[0].effect",
        'given "Never"; allowed: NoSchedule, PreferNoSchedule or NoExecute',
    ),
    BadSpec(
        "a bad name",
        {},
        "metadata.name",
        'given "1st"; allowed: text of 1 to 40 characters that matches ^[a-z]([-a-z0-9]*[a-z0-9])?$, such as pets',
        metadata={"name": "1st"},
    ),
    # fields that there are not
    BadSpec(
        "a field in Python's spelling",
        {"deploy": {"top_k": 2}},
        "spec.deploy.top_k",
        "no such field; allowed: engine, instances, replicas, resources, topK, batching; did you mean topK?",
        "strictness",
    ),
    BadSpec(
        "a field in the wrong section",
        {"epochs": 5},
        "spec.epochs",
        "no such field; allowed: task, data, model, train, compress, gate, deploy, revision, suspend; did you mean "
        "spec.train.epochs?",
        "strictness",
    ),
    # what must hold besides
    breaks(
        "a set that scikit-learn does not bring along",
        {"data": {"uri": "sklearn://iris"}},
        "spec.data.uri",
        IS_BUNDLED,
        'given "sklearn://iris": ',
    ),
    breaks(
        "a claim without a name",
        {"data": {"uri": "pvc:///train"}},
        "spec.data.uri",
        NAMES_A_CLAIM,
        'given "pvc:///train": ',
    ),
    breaks(
        "a mean without a deviation",
        {"data": {"uri": "x", "image": {"mean": [0.5]}}},
        "spec.data.image",
        Image.rules[0],
    ),
    breaks(
        "a mean for other channels",
        {"data": {"uri": "x", "image": {"channels": "gray", "mean": [0, 0, 0], "std": [1, 1, 1]}}},
        "spec.data.image",
        Image.rules[1],
    ),
    breaks(
        "a mean for no number of channels",
        {"data": {"uri": "x", "image": {"mean": [0, 0], "std": [1, 1]}}},
        "spec.data.image",
        Image.rules[1],
    ),
    breaks(
        "a mean of fewer channels than the deviation",
        {"data": {"uri": "x", "image": {"mean": [0], "std": [1, 1, 1]}}},
        "spec.data.image",
        Image.rules[1],
    ),
    breaks("a depth that no ResNet has", {"model": {"depth": 9}}, "spec.model.depth", OF_A_RESNET, "given 9: "),
    breaks("a function and an architecture", {"model": {"module": "a.b:c", "width": 8}}, "spec.model", Model.rules[0]),
    breaks("parameters of no function", {"model": {"parameters": {"hidden": 3}}}, "spec.model", Model.rules[1]),
    breaks(
        "a depth for another network", {"model": {"architecture": "lenet", "depth": 20}}, "spec.model", Model.rules[2]
    ),
    breaks(
        "a label with two slashes", {"train": {"nodeSelector": {"a/b/c": "x"}}}, "spec.train.nodeSelector", ARE_LABELS
    ),
    breaks(
        "a toleration of nothing",
        {"train": {"tolerations": [{"value": "x"}]}},
        "spec.train.tolerations[0]",
        Toleration.rules[0],
    ),
    breaks(
        "a toleration of any value and of one",
        {"train": {"tolerations": [{"key": "gpu", "operator": "Exists", "value": "x"}]}},
        "spec.train.tolerations[0]",
        Toleration.rules[1],
    ),
    breaks(
        "a toleration for a while of what does not evict",
        {"train": {"tolerations": [{"key": "gpu", "effect": "NoSchedule", "tolerationSeconds": 5}]}},
        "spec.train.tolerations[0]",
        Toleration.rules[2],
    ),
    breaks(
        "two methods in one step",
        {"compress": {"steps": [{"prune": {}, "quantize": {}}]}},
        "spec.compress.steps[0]",
        CompressStep.rules[0],
    ),
    breaks(
        "no method in a step",
        {"compress": {"steps": [{"quantize": {}}, {}]}},
        "spec.compress.steps[1]",
        CompressStep.rules[0],
    ),
    breaks(
        "a share where percent are asked",
        {"gate": {"minAccuracy": 0.95}},
        "spec.gate.minAccuracy",
        IN_PERCENT,
        "given 0.95: ",
    ),
    breaks(
        "a student's depth that no ResNet has",
        {"compress": student(depth=10)},
        "spec.compress.steps[0].distill.student.depth",
        OF_A_RESNET,
        "given 10: ",
    ),
    breaks(
        "a student that can't take after a function",
        {"model": {"module": "a.b:c"}, "compress": student(width=8)},
        "spec",
        Spec.rules[0],
    ),
    breaks(
        "a student's depth for another network",
        {"model": {"architecture": "cnn"}, "compress": student(depth=8)},
        "spec",
        Spec.rules[1],
    ),
    breaks(
        "a student's depth and its own other network",
        {"compress": student(architecture="cnn", depth=8)},
        "spec",
        Spec.rules[1],
    ),
]

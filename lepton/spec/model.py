"""Which network learns: a named architecture, or a user's own function."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from lepton.spec.fields import Section
from lepton.spec.rules import Rule

Architecture = Literal["lenet", "cnn", "resnet", "mobilenet", "inception"]

OF_A_RESNET = Rule(
    "depth of a resnet must be 18 or 6n+2 (8, 14, 20, 26, 32, ...)",
    lambda depth: depth == 18 or depth % 6 == 2,
    "self == 18 || self % 6 == 2",
)
ResnetDepth = Annotated[int, Field(ge=8, le=1202), OF_A_RESNET]


class Model(Section):
    """The network before compression."""

    rules: ClassVar = (
        Rule(
            "module excludes architecture, depth and width: put its arguments in parameters",
            lambda it: it.module is None or not (it.architecture or it.depth or it.width),
            "!has(self.module) || !(has(self.architecture) || has(self.depth) || has(self.width))",
        ),
        Rule(
            "parameters belong to module, which is not given",
            lambda it: it.module is not None or not it.parameters,
            "has(self.module) || !has(self.parameters) || size(dyn(self.parameters)) == 0",
        ),
        Rule(
            "depth is only for resnet",
            lambda it: it.depth is None or it.resolved_architecture == "resnet",
            "!has(self.depth) || !has(self.architecture) || self.architecture == 'resnet'",
        ),
    )
    architecture: Architecture | None = None
    """`lenet`, `cnn` (the plain two-layer network), `resnet`, `mobilenet` or `inception`; `resnet` by default."""
    depth: ResnetDepth | None = None
    """Layers of a `resnet`: 18, or 6n+2 (8, 14, 20, 26, ...); 8 by default. Only for `resnet`."""
    width: Annotated[int, Field(ge=2, le=1024)] | None = None
    """Channels of the first stage; each architecture has its own default."""
    module: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", examples=["nets.pets:build"])] | None = None
    """A function of your own, `package.module:function`, called as `function(num_classes=..., input_shape=(channels,
    height, width), **parameters)`; it returns a torch.nn.Module that maps images to logits."""
    parameters: dict[str, JsonValue] = {}
    """Further arguments for `module`."""

    @property
    def resolved_architecture(self) -> Architecture:
        """The named architecture, with the default filled in. Meaningless when `module` is given."""
        return self.architecture or "resnet"

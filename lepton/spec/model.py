"""Which network learns: a named architecture, or a user's own function."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from lepton.spec.fields import Section

Architecture = Literal["lenet", "cnn", "resnet", "mobilenet", "inception"]


def _is_resnet_depth(depth: int) -> int:
    if depth != 18 and depth % 6 != 2:
        raise ValueError(f"depth of a resnet must be 18 or 6n+2 (8, 14, 20, 26, 32, ...), not {depth}")
    return depth


ResnetDepth = Annotated[int, Field(ge=8, le=1202), AfterValidator(_is_resnet_depth)]


class Model(Section):
    """The network before compression."""

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

    @model_validator(mode="after")
    def _one_kind_of_network(self) -> Self:
        if self.module is not None and (self.architecture or self.depth or self.width):
            raise ValueError("module excludes architecture, depth and width: put its arguments in parameters")
        if self.module is None and self.parameters:
            raise ValueError("parameters belong to module, which is not given")
        if self.depth is not None and self.resolved_architecture != "resnet":
            raise ValueError(f"depth is only for resnet, not for {self.architecture}")
        return self

    @property
    def resolved_architecture(self) -> Architecture:
        """The named architecture, with the default filled in. Meaningless when `module` is given."""
        return self.architecture or "resnet"

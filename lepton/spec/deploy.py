"""How the model is served."""

from typing import Annotated, Literal

from pydantic import Field

from lepton.spec.fields import Section


class Batching(Section):
    """Dynamic batching: requests that arrive together are answered together."""

    max_size: Annotated[int, Field(ge=1, le=1024)] = 32
    """Most requests in one batch; 1 switches batching off."""
    max_delay_ms: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Milliseconds that a request may wait for company."""


class Deploy(Section):
    """How the model is served."""

    engine: Literal["auto", "triton"] = "auto"
    """The server; `auto` is Triton."""
    instances: Annotated[int, Field(ge=1, le=64)] = 1
    """Copies of the model in one server; more answer more requests at once."""
    top_k: Annotated[int, Field(ge=1, le=100)] = 3
    """How many of the likeliest classes an answer lists."""
    batching: Batching = Batching()
    """Dynamic batching."""

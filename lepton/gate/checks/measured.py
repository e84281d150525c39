"""What the gate measured: the input of every check. Made by gate.run; holds figures, never judges them."""

from dataclasses import dataclass

from lepton.report import Endpoint


@dataclass(frozen=True)
class Measured:
    """The candidate and the uncompressed model at their live endpoints, on the same held-out examples."""

    candidate: Endpoint
    uncompressed: Endpoint
    digest: str
    """sha256 of the artifact that was built."""
    loaded_digest: str
    """sha256 that the server itself verified when it loaded the candidate."""
    protocol_differences: int
    """Held-out examples to which the candidate gave one label over HTTP and another over gRPC."""

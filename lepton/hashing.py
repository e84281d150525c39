"""Short names for inputs: equal inputs, equal name, on every machine and in every run."""

import hashlib
import json

from pydantic import JsonValue


def short_hash(inputs: JsonValue) -> str:
    """The first eight hex digits of the sha256 over the canonical JSON of inputs."""
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]

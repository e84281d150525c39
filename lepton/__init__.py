"""From one YAML to a small, served, measured model."""

import os

__version__ = "0.1.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
"""ONNX Runtime otherwise tells its maker the names and digests of the models that it loads."""

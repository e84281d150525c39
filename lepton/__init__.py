"""From one YAML to a small, served, measured model."""

__version__ = "0.1.0"

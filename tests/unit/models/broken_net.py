"""A user's module that fails while it is imported."""

raise KeyError("missing piece")

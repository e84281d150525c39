import lepton.backends.kubernetes  # noqa: F401 - what it does to the import of the client must come before that

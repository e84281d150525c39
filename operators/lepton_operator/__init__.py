import lepton.backends.kubernetes  # noqa: F401 - for its effect, before any module here imports kubernetes.aio

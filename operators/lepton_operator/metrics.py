"""What the operator counts, for Prometheus, and what its leader tells of the models."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from lepton.backends.gauges import Gauges, Resource
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.jobs import progress_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP
from lepton.report import Progress

_PASS_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
_CPU_SECONDS = (0.0003, 0.0005, *(step / 2000 for step in range(2, 11)), 0.006, 0.008, 0.01, 0.02)


class Metrics:
    """All metrics of one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = Counter(
            "lepton_reconciles",
            "Passes over a model, by outcome: done, error or bug.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("done", "error", "bug"):  # a counter that begins with its first error shows no increase
            self.reconciles.labels(outcome)
        self.reconcile_seconds = Histogram(
            "lepton_reconcile_seconds", "Seconds that a pass took.", buckets=_PASS_SECONDS, registry=self.registry
        )
        self.reconcile_cpu_seconds = Histogram(
            "lepton_reconcile_cpu_seconds",
            "Seconds of CPU that a pass took.",
            buckets=_CPU_SECONDS,
            registry=self.registry,
        )
        self.errors = Counter("lepton_errors", "Passes that failed, by reason.", ["reason"], registry=self.registry)
        self.queue_depth = Gauge("lepton_queue_depth", "Models that wait for a pass.", registry=self.registry)
        self.leads = Gauge("lepton_leader", "1 while this operator holds the lease.", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def lead(self, cache: Cache) -> None:
        """Tell of the models from now on: one operator does, else each would be counted twice."""
        self.leads.set(1)
        self.registry.register(Gauges(lambda: _models(cache)))


def _models(cache: Cache) -> Iterator[tuple[Resource, Progress | None]]:
    for key in cache.models():
        resource = cache.model(key)
        if resource is not None:
            is_at_work = "candidate" in resource.get("status", {})
            yield resource, progress_of(cache.owned(key, CONFIG_MAP).values()) if is_at_work else None

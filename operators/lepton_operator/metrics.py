"""What the operator counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PASS_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
_CPU_SECONDS = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)


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

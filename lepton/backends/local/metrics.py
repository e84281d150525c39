"""What the control loop counts, for Prometheus on 127.0.0.1. tools/metrics.py documents them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_PASS_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60)
_STAGE_SECONDS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000)


class Metrics:
    """All metrics of one control loop."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.reconciles = Counter(
            "lepton_reconciles",
            "Passes over a model, by outcome: done, again (conflict), error or bug.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("done", "again", "error", "bug"):  # one that begins with its first error shows no increase
            self.reconciles.labels(outcome)
        self.reconcile_seconds = Histogram(
            "lepton_reconcile_seconds", "Seconds that a pass took.", buckets=_PASS_SECONDS, registry=registry
        )
        self.errors = Counter(
            "lepton_errors", "Failures of passes, jobs and loads, by reason.", ["reason"], registry=registry
        )
        self.stage_seconds = Histogram(
            "lepton_stage_seconds",
            "Seconds that a finished stage of a job took.",
            ["stage"],
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.queue_depth = Gauge("lepton_queue_depth", "Models that are due for a pass and wait.", registry=registry)
        self.job_starts = Counter(
            "lepton_job_starts", "Jobs given to Ray, every attempt counted.", ["kind"], registry=registry
        )
        self.jobs_running = Gauge("lepton_jobs_unfinished", "Jobs that are waiting or running.", registry=registry)
        self.server_starts = Counter(
            "lepton_server_starts", "Starts of a supervised server: ray or triton.", ["server"], registry=registry
        )
        self.server_up = Gauge(
            "lepton_server_up", "1 while the supervised server takes work.", ["server"], registry=registry
        )
        self.model_heals = Counter(
            "lepton_model_heals", "Loaded models that no longer answered and were loaded again.", registry=registry
        )

    def serve(self, port: int) -> None:
        """Answer Prometheus on this port from a thread of its own."""
        start_http_server(port, addr="127.0.0.1", registry=self.registry)

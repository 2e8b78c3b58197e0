"""What ``/metrics`` shows."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """Counters of the API, and gauges read when somebody looks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "rtcdn_broker_requests", "HTTP requests answered", ("method", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "rtcdn_broker_request_seconds", "Time to answer", buckets=BUCKETS_S, registry=self._registry
        )

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show ``rtcdn_broker_<name>``, read when asked."""
        Gauge(f"rtcdn_broker_{name}", text, registry=self._registry).set_function(read)

    def text(self) -> bytes:
        """Everything, in Prometheus' format."""
        return generate_latest(self._registry)

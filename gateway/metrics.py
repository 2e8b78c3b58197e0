"""What ``/metrics`` shows of a gateway."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HELD = Gauge("rtcdn_gateway_resources", "WHIP and WHEP resources held now", ["leg"])
ENDED = Counter("rtcdn_gateway_ended", "Resources ended, by why", ["leg", "why"])
ADOPTED = Counter("rtcdn_gateway_adopted", "Legs claimed from another gateway")
ANSWERED = Counter(
    "rtcdn_gateway_answers", "Answers to clients, by way, method and status", ["way", "method", "status"]
)
CONNECTED = Histogram(
    "rtcdn_gateway_connect_seconds",
    "From the answer to media that can flow",
    ["leg"],
    buckets=(0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)
ORDERS = Counter("rtcdn_gateway_orders", "Orders of the broker performed, by order", ["order"])

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

# ---- clients of the WebSocket API
SOCKETS = Gauge("rtcdn_gateway_sockets", "Client sockets open now")
MEMBERS = Gauge("rtcdn_gateway_members", "Participants of the WebSocket API held now, without a socket too")
CLOSED = Counter("rtcdn_gateway_sockets_closed", "Client sockets closed by us, by code", ["code"])
REQUESTS = Counter("rtcdn_gateway_requests", "Requests of clients answered, by type and outcome", ["type", "outcome"])
LIVE = Histogram(
    "rtcdn_gateway_live_seconds",
    "From promotion (or publish) to being heard",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5),
)
RTT = Histogram(
    "rtcdn_gateway_client_rtt_seconds",
    "Round-trip times as clients measure them",
    ["purpose"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
)
JITTER = Histogram(
    "rtcdn_gateway_client_jitter_seconds",
    "Jitter of streams as clients measure it",
    ["kind"],
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3),
)
PACKETS = Counter("rtcdn_gateway_client_packets", "Packets that clients received", ["kind"])
LOST = Counter("rtcdn_gateway_client_lost", "Packets that clients missed", ["kind"])
FREEZES = Counter("rtcdn_gateway_client_freezes", "Freezes of video that clients saw")

"""What the server counts, for Prometheus. A registry for each app: no global one."""

import time
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from proctor.web.api import Api, Role

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """All counts of one app; whoever sees a thing happen counts it: `metrics.receipts.inc()`.

    Labels are taken from small fixed sets, never from what a stranger sent: each new value is a
    row kept for ever.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # No module-level state: two apps in one process count apart.
        self.requests = Counter(
            "proctor_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "proctor_http_request_seconds",
            "Seconds until the answer was made; WebSockets not counted.",
            ["method", "route"],
            registry=self.registry,
        )
        self.uplinks = Gauge("proctor_uplinks", "Devices connected now.", registry=self.registry)
        self.records_accepted = Counter(
            "proctor_records_accepted", "Records stored.", registry=self.registry
        )
        self.receipts = Counter("proctor_receipts", "Checkpoints cosigned.", registry=self.registry)
        self.batches_refused = Counter(
            "proctor_batches_refused",
            "Batches refused, by the problem's code.",
            ["code"],
            registry=self.registry,
        )
        self.analysis_waiting = Gauge(
            "proctor_analysis_waiting",
            "Snapshots not yet looked at.",
            registry=self.registry,
        )
        self.id_checks_waiting = Gauge(
            "proctor_id_checks_waiting",
            "ID checks that wait for a person.",
            registry=self.registry,
        )
        self.id_checks_longest = Gauge(
            "proctor_id_checks_longest_wait_seconds",
            "For how long the first of them has waited.",
            registry=self.registry,
        )
        self.id_check_waited = Histogram(
            "proctor_id_check_waited_seconds",
            "For how long those decided had waited.",
            buckets=(15, 30, 60, 120, 300, 600, 1200, 2400, 3600),
            registry=self.registry,
        )
        self.id_readings_waiting = Gauge(
            "proctor_id_readings_waiting",
            "Check-ins not yet read, or not yet looked for on other accounts.",
            registry=self.registry,
        )
        self.failing = Gauge(
            "proctor_failing",
            "1 while a part of the server fails, as /healthz says it.",
            ["part"],
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)


def install(app: web.Application, metrics: Metrics) -> None:
    """Count the requests of this app. Install it first: it counts what `problems` answers."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        method = request.method if request.method in _METHODS else "other"
        resource = request.match_info.route.resource
        route = "none" if resource is None else resource.canonical
        began = time.perf_counter()
        response = await handler(request)
        if response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            metrics.request_seconds.labels(method, route).observe(time.perf_counter() - began)
        metrics.requests.labels(method, route, response.status).inc()
        return response

    app.middlewares.append(count)


def add_metrics_routes(api: Api, metrics: Metrics) -> None:
    """Declare GET /metrics."""

    @api.route(
        "GET",
        "/metrics",
        role=Role.ADMINISTRATOR,
        raw=True,
        out_type="text/plain",
        tags=["about"],
    )
    async def get_metrics(_request: web.Request) -> web.Response:
        """Read the counts, in Prometheus' text format."""
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

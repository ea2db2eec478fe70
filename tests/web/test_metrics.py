import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from proctor.web import metrics
from proctor.web.api import Api, Id, Role
from proctor.web.metrics import Metrics, add_metrics_routes
from tests.web.serving import Client, app_of, bearer, serving


def app_counting(counts: Metrics) -> web.Application:
    api = Api("Test", "1")
    add_metrics_routes(api, counts)

    @api.route("GET", "/sessions/{session}", role=Role.ANYONE)
    async def get_session(_request: web.Request, session: Id) -> None:
        if session == "broken":
            raise RuntimeError

    @api.route("GET", "/socket", role=Role.ANYONE, raw=True, status=101)
    async def get_socket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    return app_of(api, before=lambda app: metrics.install(app, counts))


@pytest.fixture
def counts() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(counts: Metrics) -> AsyncIterator[Client]:
    async with serving(app_counting(counts)) as client:
        yield client


async def told_by(client: Client) -> str:
    async with client.get("/metrics", headers=bearer("administrator")) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return await answer.text()


async def test_requests_are_counted_by_route_and_status(client: Client, counts: Metrics) -> None:
    for path in ("/sessions/s_1", "/sessions/s_2", "/sessions/broken", "/sessions/a.b"):
        async with client.get(path):
            pass
    async with client.post("/sessions/s_1"):
        pass
    for number in range(3):
        async with client.get(f"/nowhere/{number}"):
            pass
    async with client.request("PROPFIND", "/sessions/s_1"):
        pass
    told = await told_by(client)
    route = 'route="/sessions/{session}"'
    for expected in (
        f'proctor_http_requests_total{{method="GET",{route},status="200"}} 2.0',
        f'proctor_http_requests_total{{method="GET",{route},status="500"}} 1.0',
        f'proctor_http_requests_total{{method="GET",{route},status="422"}} 1.0',
        'proctor_http_requests_total{method="POST",route="none",status="405"} 1.0',
        'proctor_http_requests_total{method="GET",route="none",status="404"} 3.0',
        'proctor_http_requests_total{method="other",route="none",status="405"} 1.0',
        f'proctor_http_request_seconds_count{{method="GET",{route}}} 4.0',
    ):
        assert expected in told
    assert "s_1" not in told
    assert "nowhere" not in told
    assert counts.registry.get_sample_value(
        "proctor_http_requests_total",
        {"method": "GET", "route": "/sessions/{session}", "status": "200"},
    ) == pytest.approx(2)


async def test_a_websocket_s_hours_are_no_latency(client: Client) -> None:
    async with client.ws_connect("/socket") as socket:
        await socket.receive()
    told = await told_by(client)
    assert 'proctor_http_requests_total{method="GET",route="/socket",status="101"} 1.0' in told
    assert not re.search(r"request_seconds_count\{[^}]*/socket", told)


async def test_what_the_server_does_is_counted(client: Client, counts: Metrics) -> None:
    counts.uplinks.inc()
    counts.records_accepted.inc(16)
    counts.receipts.inc()
    counts.batches_refused.labels("fork").inc()
    counts.analysis_waiting.set(7)
    told = await told_by(client)
    for expected in (
        "proctor_uplinks 1.0",
        "proctor_records_accepted_total 16.0",
        "proctor_receipts_total 1.0",
        'proctor_batches_refused_total{code="fork"} 1.0',
        "proctor_analysis_waiting 7.0",
    ):
        assert expected in told.splitlines()


async def test_two_apps_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.receipts.inc()
    async with serving(app_counting(second)) as client:
        assert "proctor_receipts_total 0.0" in await told_by(client)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="nobody"),
        pytest.param(bearer("proctor"), 403, id="a proctor"),
        pytest.param(bearer("learner"), 403, id="a learner"),
    ],
)
async def test_only_administrators_read_the_counts(
    client: Client, headers: dict[str, str], status: int
) -> None:
    async with client.get("/metrics", headers=headers) as answer:
        assert answer.status == status

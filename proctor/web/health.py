"""Whether the server works: for whoever watches over it, and without a word of any exam."""

from functools import partial
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from proctor.services.analysis import Analysis
from proctor.services.ports import Store, Writes
from proctor.web.api import Api, Role, Shape
from proctor.web.metrics import Metrics

_STORAGE = {
    Writes.FAILING: "the last write failed; what comes is tried",
    Writes.ENDED: "nothing can be written until the server is started again",
}


class Failing(Shape):
    part: Literal["storage", "analysis"]
    why: str


class Health(Shape):
    status: Literal["ok", "degraded", "unhealthy"]
    failing: list[Failing]


def health_of(store: Store, analysis: Analysis) -> Health:
    """Return how the server is; `unhealthy` where no exam goes on until it is started again."""
    failing, writes, progress = [], store.writes(), analysis.progress()
    if writes is not Writes.WELL:
        failing.append(Failing(part="storage", why=_STORAGE[writes]))
    if progress.failing:
        # The kinds of errors alone: anyone may ask, and the log has the rest.
        why = f"{', '.join(progress.causes)} in {progress.failing} sessions; tried again"
        failing.append(Failing(part="analysis", why=why))
    if writes is Writes.ENDED:
        return Health(status="unhealthy", failing=failing)
    return Health(status="degraded" if failing else "ok", failing=failing)


def add_health_route(api: Api, store: Store, analysis: Analysis, metrics: Metrics) -> None:
    """Declare GET /healthz, and count what it says."""

    def fails(part: str) -> float:
        return float(any(each.part == part for each in health_of(store, analysis).failing))

    for part in ("storage", "analysis"):
        metrics.failing.labels(part).set_function(partial(fails, part))

    @api.route("GET", "/healthz", role=Role.ANYONE, out=Health, raw=True, tags=["about"])
    async def get_health(_request: web.Request) -> web.Response:
        """Tell whether the server works; 503 where it must be started again."""
        health = health_of(store, analysis)
        # To start it again would give it no larger disk: what may pass by itself answers 200.
        well = HTTPStatus.SERVICE_UNAVAILABLE if health.status == "unhealthy" else HTTPStatus.OK
        return web.json_response(text=health.model_dump_json(), status=well)

"""An app of the HTTP layer alone, on a real socket, for tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proctor.services.logins import StaffRole
from proctor.web import auth, problems
from proctor.web.api import Api
from proctor.web.auth import LearnerDevice, Staff

NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Tokens:
    """An Identify: a staff token is the role's own name, a learner's begins with `learner`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def staff(self, token: str) -> Staff | None:
        self.asked.append(token)
        if token not in list(StaffRole):
            return None
        return Staff(name="ada", role=StaffRole(token), exams=None, expires_at=NEVER)

    async def exam_of(self, session: str) -> str | None:
        return None if session == "s_none" else "short"

    async def learner(self, token: str) -> LearnerDevice | None:
        if not token.startswith("learner"):
            return None
        return LearnerDevice(session="s_1", device="d_1")


def app_of(
    api: Api,
    *,
    identify: auth.Identify | None = None,
    public_origin: str | None = None,
    before: Callable[[web.Application], None] = lambda _: None,
) -> web.Application:
    app = web.Application(client_max_size=1024)
    before(app)
    problems.install(app)
    auth.install(app, identify or Tokens(), public_origin=public_origin)
    api.mount(app)
    return app


Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[Client]:
    async with TestClient(TestServer(app)) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path

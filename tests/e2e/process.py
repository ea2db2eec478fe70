"""A server as a process of its own, which can be killed and started again."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from proctor import config
from proctor.adapters.logins import SqlLogins
from proctor.adapters.passwords import Argon2Passwords
from proctor.config import Settings
from proctor.services.logins import StaffRole, add_staff
from tests.conftest import PASSWORD
from tests.sim.serving import HOST, SERVER, free_port

ROOT = Path(__file__).parents[2]


class Process:
    """A server as a process of its own, on a folder that outlives it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    async def prepare(self, exam: Path) -> None:
        """Make the folder: the exam is published, and staff have accounts."""
        async with config.open_store(Settings(data=self.data, server=SERVER)) as (store, _):
            await config.publish(store, exam)
            for role in (StaffRole.COURSE_TEAM, StaffRole.PROCTOR):
                await add_staff(
                    SqlLogins(store),
                    Argon2Passwords(),
                    name=str(role),
                    role=role,
                    password=PASSWORD,
                    now=datetime.now(UTC),
                )

    async def start(self) -> None:
        code = "import sys, pathlib; from tests.sim.serving import serve; "
        code += "serve(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
        self._process = process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-c", code, str(self.data), str(self.port)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
        async with asyncio.timeout(60), aiohttp.ClientSession() as http:
            while True:
                assert process.poll() is None  # else who answers is another server
                with suppress(aiohttp.ClientConnectionError):
                    async with http.get(f"http://{HOST}:{self.port}/healthz"):
                        assert process.poll() is None
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None


async def signed_in(url: str, role: StaffRole) -> aiohttp.ClientSession:
    body = {"name": str(role), "password": PASSWORD}
    async with aiohttp.ClientSession(url) as http, http.post("/api/v1/login", json=body) as told:
        assert told.status == 200, await told.text()
        token = (await told.json())["token"]
    return aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {token}"})

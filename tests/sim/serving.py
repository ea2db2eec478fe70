"""The server that is killed: the real application on a folder that outlives it."""

import asyncio
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import uvloop

from proctor import config
from proctor.adapters import exams
from proctor.adapters.clock import SystemClock
from proctor.adapters.logins import SqlLogins
from proctor.adapters.looks import SqlLooks
from proctor.adapters.passwords import Argon2Passwords
from proctor.adapters.thumbnails import Sheets
from proctor.config import Settings
from proctor.domain.observation import Compared, Face, Measured
from proctor.services.cases import Cases
from proctor.services.sessions import Sessions
from proctor.web.app import Parts, build
from proctor.web.serve import listening

SERVER = "proctor.crash"
EXAM = Path(exams.__file__).parent.parent / "demo" / "exams" / "short"
HOST = "127.0.0.1"
# Linux gives whoever names no port one from 32,768 on.
FIRST_PORT, LAST_PORT = 20_000, 32_767


def free_port() -> int:
    """Find a port that stays free while the server is killed and started again."""
    while True:
        port = FIRST_PORT + secrets.randbelow(LAST_PORT + 1 - FIRST_PORT)
        with suppress(OSError), socket.create_server((HOST, port)):
            return port


class OneFace:
    """Sees one face in every picture, at once: decoding is not what is tried here."""

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        del face, sample
        assert stream
        assert jpeg
        return Measured(
            faces=(Face(x=1, y=1, width=9, height=9, score=0.9),),
            light_mean=100.0,
            contrast=40.0,
            dark=False,
            covered=False,
            frozen=False,
        )

    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        del face, document, at
        return Compared()

    async def closest(self, face: bytes, others: Sequence[bytes]) -> Sequence[float | None]:
        del face
        return [None for _ in others]

    async def close(self) -> None:
        return None


def serve(data: Path, port: int) -> None:
    """Serve until killed."""
    uvloop.run(_serve(data, port))


async def _serve(data: Path, port: int) -> None:
    settings = Settings(data=data, server=SERVER)
    async with config.open_store(settings, alone=True) as (store, keys):
        parts = Parts(
            store=store,
            logins=SqlLogins(store),
            looks=SqlLooks(store),
            ticket_key=keys.ticket_key(),
            thumbnails=Sheets(),
            passwords=Argon2Passwords(),
            vision=OneFace(),
            lanes=1,
            key=keys.signing,
            server=SERVER,
            now=SystemClock().now,
            token=config.token,
            new_id=config.new_id,
            pages=config.PAGES,
            practice=config.PRACTICE,
        )
        async with listening(build(parts), host=HOST, port=port):
            await asyncio.Event().wait()


async def publish_and_invite(data: Path, count: int) -> list[str]:
    """Make the folder, publish the exam, and return as many join tokens; the folder is closed."""
    async with config.open_store(Settings(data=data, server=SERVER)) as (store, _):
        await config.publish(store, EXAM)
        cases = Cases(store, SystemClock())
        sessions = Sessions(store, cases, token=config.token, new_id=config.new_id)
        made = [
            await sessions.invite("short", learner="Ada Lovelace", extra=timedelta(hours=24))
            for _ in range(count)
        ]
        return [invitation.join_token for invitation in made]

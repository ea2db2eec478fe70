"""`proctor flags replay`: beside a running server, and where there is nothing to replay."""

import asyncio
import fcntl
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.adapters.keys import KeyFileUnsafe
from proctor.adapters.policies import builtin_folder
from proctor.adapters.read_only import LOCK, NOT_ENDED, ServerStarted, open_read_only
from proctor.adapters.store import DatabaseUnusable, SqlStore
from proctor.config import Settings, open_parts
from proctor.domain.observation import Measured
from proctor.evidence.record import Kind
from proctor.evidence.tree import Frontier
from proctor.services.logins import StaffRole
from proctor.services.ports import StorageFull
from tests.adapters.store_contract import append, created
from tests.cli.running import Ran, Terminal, in_its_own_process
from tests.conftest import OpenServer, ScriptedVision, Server, analysed, check_in_read
from tests.device import JPEG, Device

DEMO = builtin_folder() / "demo.toml"
STRICTER = """
schema = 1
id = "stricter"
title = "Stricter"
extends = "demo"

[drop]
flag = ["person-count"]

[[flag]]
when = "covered"
for_s = 2
severity = 0.1
"""


def unsaid(sentence: str) -> None:
    raise AssertionError(sentence)


@contextmanager
def served(data: Path) -> Iterator[None]:
    """Have a folder locked as by a server that runs on it: those of tests leave that out."""
    with (data / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def as_it_is(data: Path) -> dict[str, tuple[int, int]]:
    """Return of a folder and all that is in it how large it is and when it was written."""
    every = [data, *data.rglob("*")]
    return {str(each): (each.stat().st_size, each.stat().st_mtime_ns) for each in every}


class ComparesNothing(ScriptedVision):
    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        seen = await super().observe(stream, jpeg, face=face, sample=sample)
        return replace(seen, same_person=None)


@pytest.fixture
async def server(open_server: OpenServer) -> Server:
    return await open_server(vision=ComparesNothing())


@pytest.fixture
async def session(server: Server, tmp_path: Path) -> AsyncIterator[str]:
    """A session with two people and a covered camera, that goes on."""
    with served(tmp_path / "data"):
        async with aiohttp.ClientSession(server.url) as http:
            device = Device(http)
            joined = await device.join((await server.invite())["join_token"])
            await device.connect()
            await device.check_in()
            await device.open("part-a")
            lines, pictures = [], []
            for number in range(12):
                seen = b"two" if number < 4 else b"covered" if number > 7 else b""
                pictures.append(JPEG + b"%d" % number + seen)
                lines.append(device.add(Kind.SNAPSHOT, blob=pictures[-1], purpose="periodic"))
            server.clock.pass_(20)
            await device.send(lines, pictures)
            proctor = await server.as_staff(StaffRole.PROCTOR)
            await analysed(proctor, f"/api/v1/sessions/{joined['session']}")
            await check_in_read(server, joined["session"])
            yield joined["session"]
            await device.hang_up()


async def ran(data: Path, policy: Path, *more: object) -> Ran:
    command = ("flags", "replay", "short", "--policy", policy, "--data", data)
    script = "import sys; sys.argv[0] = 'proctor'; from proctor.cli import main; main()"
    return await asyncio.to_thread(in_its_own_process, "-c", script, *command, *more)


def stored(data: Path) -> dict[str, str]:
    """Return a digest of each table of a database."""
    with sqlite3.connect(data / "proctor.db") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        return {
            name: sha256(
                repr(database.execute(f'SELECT * FROM "{name}"').fetchall()).encode()
            ).hexdigest()
            for name in tables
            # A session's row is its server's to write, at any time: that nobody is in contact.
            if not name.startswith(("sqlite_", "ix_")) and name != "sessions"
        }


async def test_beside_a_running_server_it_says_what_would_differ_and_writes_nothing(
    session: str, tmp_path: Path
) -> None:
    data, policy = tmp_path / "data", tmp_path / "stricter.toml"
    policy.write_text(STRICTER)
    before = stored(data)
    same = await ran(data, DEMO)
    assert same.status == 0, same
    assert same.out.startswith("0 of 1 sessions would differ under demo ")
    told = await ran(data, policy)
    assert told.status == 0, told
    first, *rest = told.out.splitlines()
    assert first == f"{session}: 1 disappear, 1 change"
    assert [line[:4] for line in rest[:3]] == ["  - ", "  ~ ", "    "]
    assert "conduct 0.6 person-count: more than 1 person for 2 seconds" in rest[0]
    assert "quality 0.3 covered" in rest[1]
    assert "quality 0.1 covered" in rest[2]
    assert rest[3].startswith("1 of 1 sessions would differ under stricter ")
    assert "No snapshot was compared" in rest[4]
    lines = (await ran(data, policy, "--json")).out.splitlines()
    found: dict[str, Any] = json.loads(lines[0])
    assert len(lines) == 1
    assert (found["session"], found["snapshots"], found["appear"]) == (session, 12, [])
    assert [flag["when"] for flag in found["disappear"]] == ["person-count"]
    assert [pair["after"]["severity"] for pair in found["change"]] == [0.1]
    assert stored(data) == before


async def test_what_is_opened_to_be_read_can_neither_be_written_nor_its_pictures_seen(
    server: Server, tmp_path: Path, session: str
) -> None:
    async with open_read_only(tmp_path / "data", tell=unsaid) as store:
        case = await store.case(session)
        with pytest.raises(StorageFull):
            await store.save(case, case.session)
        (digest, *_) = await store.held(session)
        with pytest.raises(KeyFileUnsafe):
            await store.blob(session, digest)
    assert await server.store.blob(session, digest)


def test_an_unknown_exam_a_policy_for_others_and_no_database_are_said_in_a_line(
    terminal: Terminal, tmp_path: Path
) -> None:
    nothing = terminal.refused("flags", "replay", "short", "--policy", DEMO)
    assert "there is no such database" in nothing
    assert terminal.run("exam", "publish", Path("proctor/demo/exams/short")).status == 0
    assert terminal.refused("flags", "replay", "tall", "--policy", DEMO) == "no exam tall"
    capstone = builtin_folder() / "mitx-sds-capstone.toml"
    other = terminal.refused("flags", "replay", "short", "--policy", capstone)
    assert "the policy does not fit short: the policy's sections are part-a1" in other
    missing = terminal.refused("flags", "replay", "short", "--policy", tmp_path / "none.toml")
    assert "none.toml:1" in missing
    with sqlite3.connect(terminal.data / "proctor.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "another version" in terminal.refused("flags", "replay", "short", "--policy", DEMO)
    (terminal.data / "proctor.db").write_bytes(b"no database" * 999)
    assert "proctor.db" in terminal.refused("flags", "replay", "short", "--policy", DEMO)


async def test_no_file_is_made_where_none_is(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable):
        async with open_read_only(tmp_path, tell=unsaid):
            raise AssertionError
    assert not (tmp_path / "proctor.db").exists()
    assert not (tmp_path / "segments").exists()


@pytest.mark.usefixtures("session")
async def test_of_a_folder_that_was_left_no_file_is_made_or_written(
    server: Server, tmp_path: Path
) -> None:
    await server.store.close()
    left = shutil.copytree(tmp_path / "data", tmp_path / "left")
    before = as_it_is(left)
    told = await ran(left, DEMO)
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("0 of 1 sessions would differ under demo ")
    assert as_it_is(left) == before


async def test_of_a_folder_that_a_crash_left_all_is_read_that_can_be_and_the_rest_is_said(
    session: str, server: Server, tmp_path: Path
) -> None:
    await server.store.held(session)  # waits for rows that follow
    left = shutil.copytree(tmp_path / "data", tmp_path / "left")
    assert (left / "proctor.db-wal").stat().st_size
    (left / LOCK).write_bytes(NOT_ENDED)
    before = as_it_is(left)
    told = await ran(left, DEMO, "--json")
    assert told.status == 0
    assert json.loads(told.out)["snapshots"] == 12
    assert "Start it once, then run this again." in told.err
    assert as_it_is(left) == before


@pytest.mark.parametrize("lacks", [False, True], ids=["all is written", "a commit failed"])
async def test_a_server_that_ends_leaves_said_whether_rows_are_missing(
    tmp_path: Path, *, lacks: bool
) -> None:
    said: list[str] = []
    async with open_parts(Settings(data=tmp_path, server="proctor.test")) as parts:
        assert isinstance(parts.store, SqlStore)
        await created(parts.store)
        first = append(Frontier(), b"0")
        await parts.store.append(first)
        await parts.store.device_log("s_1", "d_1")  # waits until its row is written
        if lacks:
            with sqlite3.connect(tmp_path / "proctor.db") as database:
                database.execute("ALTER TABLE batches RENAME TO elsewhere")
        await parts.store.append(append(first.frontier, b"1"))
    if lacks:
        with sqlite3.connect(tmp_path / "proctor.db") as database:
            database.execute("ALTER TABLE elsewhere RENAME TO batches")
    async with open_read_only(tmp_path, tell=said.append) as store:
        log = await store.device_log("s_1", "d_1")
    assert (log.frontier.size, len(said)) == ((1, 1) if lacks else (2, 0))


async def test_a_server_that_is_started_while_its_folder_is_read_is_noticed(
    session: str, server: Server, tmp_path: Path
) -> None:
    await server.store.close()
    left = shutil.copytree(tmp_path / "data", tmp_path / "left")

    async def read_while_it_is_written() -> None:
        async with open_read_only(left, tell=unsaid) as store:
            assert [case.session.id for case in await store.cases("short")] == [session]
            with sqlite3.connect(left / "proctor.db") as database:
                database.execute("DELETE FROM logins")

    with pytest.raises(ServerStarted):
        await read_while_it_is_written()


@pytest.mark.parametrize("started", [False, True], ids=["of itself", "as a server was started"])
async def test_what_can_t_be_read_is_said_as_what_it_is(
    session: str, server: Server, tmp_path: Path, *, started: bool
) -> None:
    await server.store.close()
    left = shutil.copytree(tmp_path / "data", tmp_path / "left")

    async def read_what_is_half_written() -> None:
        async with open_read_only(left, tell=unsaid) as store:
            await store.case(session)
            if started:
                with sqlite3.connect(left / "proctor.db") as database:
                    database.execute("DELETE FROM logins")
            raise LookupError

    with pytest.raises(ServerStarted if started else LookupError):
        await read_what_is_half_written()

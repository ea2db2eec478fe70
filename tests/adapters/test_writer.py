import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, text

from proctor.adapters import slices
from proctor.adapters import writer as writing
from proctor.adapters.segments import Segments
from proctor.adapters.store import open_engine
from proctor.adapters.writer import Writer
from proctor.evidence.tree import Frontier
from proctor.services.ports import Conflict, StorageFull, Writes
from tests.adapters.store_contract import append
from tests.conftest import full_disk

KEY = AESGCM(b"k" * 32)


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    engine = open_engine(tmp_path / "proctor.db")
    yield engine
    engine.dispose()


@pytest.fixture
async def writer(engine: Engine, tmp_path: Path) -> AsyncIterator[Writer]:
    made = Writer(engine, Segments(tmp_path / "segments"))
    yield made
    await made.close()


def put(name: str) -> Any:
    def job(tx: Connection) -> str:
        columns = "staff (name, role, password_hash, made_at_ms)"
        statement = text(f"INSERT INTO {columns} VALUES (:name, 'proctor', 'hash', 0)")
        tx.execute(statement, {"name": name})
        return name

    return job


async def names(writer: Writer) -> list[str]:
    found = text("SELECT name FROM staff ORDER BY name")
    return await writer.run(lambda tx: [row.name for row in tx.execute(found)])


class Held:
    """Keeps the writing thread busy, so that what is asked meanwhile becomes one group."""

    def __init__(self, writer: Writer) -> None:
        self._let_go, self._busy = Event(), Event()
        self._job = asyncio.ensure_future(writer.run(self._wait))

    def _wait(self, _: Connection) -> None:
        self._busy.set()
        assert self._let_go.wait(60)

    async def begun(self) -> None:
        await asyncio.to_thread(self._busy.wait, 60)

    async def let_go(self) -> None:
        self._let_go.set()
        await self._job


async def test_a_job_returns_what_it_returns(writer: Writer) -> None:
    assert await writer.run(put("ada")) == "ada"
    assert await names(writer) == ["ada"]


async def test_a_job_that_raises_undoes_itself_and_no_other_of_its_group(writer: Writer) -> None:
    def half(tx: Connection) -> None:
        put("half")(tx)
        raise LookupError

    held = Held(writer)
    await held.begun()
    jobs = [asyncio.ensure_future(writer.run(job)) for job in (put("ada"), half, put("bob"))]
    await asyncio.sleep(0)
    await held.let_go()
    first, failed, last = await asyncio.gather(*jobs, return_exceptions=True)
    assert (first, last) == ("ada", "bob")
    assert isinstance(failed, LookupError)
    assert await names(writer) == ["ada", "bob"]


async def test_appends_of_one_log_follow_each_other_within_a_group(writer: Writer) -> None:
    first = append(Frontier(), b"0")
    second = append(first.frontier, b"1")
    held = Held(writer)
    await held.begun()
    batches = [first, second, append(Frontier(), b"other"), append(first.frontier, b"other")]
    jobs = [asyncio.ensure_future(writer.append(each, KEY)) for each in batches]
    await asyncio.sleep(0)
    await held.let_go()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert results[:2] == [None, None]
    assert all(isinstance(each, Conflict) for each in results[2:])


async def test_a_thread_that_fails_as_it_begins_is_told_to_who_waits_for_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("no thread for you")

    monkeypatch.setattr(slices, "step_back", fail)
    made = Writer(engine, Segments(tmp_path / "segments"))
    with pytest.raises(RuntimeError, match="no thread for you"):
        await asyncio.wait_for(made.recovered(), 60)
    await made.close()


async def test_a_caller_who_goes_away_takes_nobody_with_him(writer: Writer) -> None:
    held = Held(writer)
    await held.begun()
    gone = asyncio.ensure_future(writer.run(put("gone")))
    stays = asyncio.ensure_future(writer.run(put("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await held.let_go()
    assert await stays == "stays"
    assert await names(writer) == ["gone", "stays"]


async def test_more_than_a_group_are_all_written(writer: Writer) -> None:
    await asyncio.gather(*[writer.run(put(f"n{n}")) for n in range(writing.MAX_GROUP + 10)])
    assert len(await names(writer)) == writing.MAX_GROUP + 10


async def test_who_comes_when_the_queue_is_full_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path
) -> None:
    monkeypatch.setattr(writing, "MAX_QUEUED", 3)  # with the one that is being written
    writer = Writer(engine, Segments(tmp_path / "segments"))
    held = Held(writer)
    await held.begun()
    waiting = [asyncio.ensure_future(writer.run(put(name))) for name in ("ada", "bob")]
    await asyncio.sleep(0)
    with pytest.raises(StorageFull):
        await writer.run(put("cy"))
    await held.let_go()
    await asyncio.gather(*waiting)
    assert await names(writer) == ["ada", "bob"]
    await writer.close()
    with pytest.raises(StorageFull):
        await writer.run(put("too late"))


async def test_a_fault_of_ours_reaches_its_caller_and_the_writer_writes_on(
    writer: Writer,
) -> None:
    """A thread that dies would leave every later write waiting for ever."""
    no_key: Any = None
    broken = append(Frontier(), b"0", blobs=(b"picture",))
    with pytest.raises(AttributeError):
        await asyncio.wait_for(writer.append(broken, no_key), 60)
    assert await asyncio.wait_for(writer.run(put("ada")), 60) == "ada"
    await writer.append(broken, KEY)


async def test_ends_of_logs_that_were_forgotten_are_read_again(
    monkeypatch: pytest.MonkeyPatch, writer: Writer
) -> None:
    monkeypatch.setattr(writing, "MAX_ENDS", 1)
    firsts = [append(Frontier(), b"0", of=f"s_{n}") for n in range(4)]
    for each in firsts:
        await writer.append(each, KEY)
    for n, each in enumerate(firsts):
        await writer.append(append(each.frontier, b"1", of=f"s_{n}"), KEY)
        with pytest.raises(Conflict):
            await writer.append(append(each.frontier, b"1", of=f"s_{n}"), KEY)


# --- how writing goes --------------------------------------------------------------------------


async def test_a_commit_that_failed_alone_is_told_until_something_is_written(
    writer: Writer,
) -> None:
    await writer.run(put("ada"))
    with full_disk():
        with pytest.raises(StorageFull):
            await writer.run(put("bob"))
        assert writer.writes() is Writes.FAILING
        assert await names(writer) == ["ada"]
        assert writer.writes() is Writes.FAILING
    await writer.run(put("bob"))
    assert writer.writes() is Writes.WELL


async def test_what_a_full_disk_refuses_is_logged_once_and_then_counted(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    batch = append(Frontier(), b"0")
    with full_disk():
        for _ in range(3):
            with pytest.raises(StorageFull):
                await writer.append(batch, KEY)
    assert [each.getMessage() for each in caplog.records] == ["batches were not stored"]

    await writer.append(batch, KEY)

    last = caplog.records[-1]
    assert (last.getMessage(), last.__dict__["times"]) == ("batches are stored again", 3)


async def test_batches_that_failed_are_told_until_anything_is_written(writer: Writer) -> None:
    first = append(Frontier(), b"0", blobs=(b"picture",))
    await writer.append(first, KEY)
    with full_disk():
        with pytest.raises(StorageFull):
            await writer.append(append(first.frontier, b"1", blobs=(b"another",)), KEY)
        assert writer.writes() is Writes.FAILING
        with pytest.raises(Conflict):  # which writes nothing
            await writer.append(append(Frontier(), b"other"), KEY)
        assert writer.writes() is Writes.FAILING
    await writer.run(put("ada"))
    assert writer.writes() is Writes.WELL

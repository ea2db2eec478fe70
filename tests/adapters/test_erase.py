"""What erasing does, on the disk too: `services.ports.Store.erase`."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from proctor.adapters.segments import Place, Segments
from proctor.adapters.store import ERASED_AT_ONCE, SqlStore
from proctor.evidence.tree import Frontier
from proctor.services.ports import NotFound, StorageFull, Store
from tests.adapters.store_contract import append, created, digest_of
from tests.adapters.test_store import opened
from tests.conftest import full_disk
from tests.memory_store import MemoryStore

FACE, DOCUMENT, ESSAY = b"a face" * 50, b"a passport" * 50, b"an essay" * 50
ALL = (FACE, DOCUMENT, ESSAY)


async def filled(store: Store, *ids: str) -> None:
    for id_ in ids or ("s_1",):
        await created(store, id_)
        await store.append(append(Frontier(), b"0", blobs=ALL, receipt=b"note 1", of=id_))


class EraseContract:
    @pytest.fixture
    async def store(self) -> Store:
        raise NotImplementedError

    async def test_what_is_erased_is_held_no_more_and_the_rest_is(self, store: Store) -> None:
        await filled(store)
        await store.erase("s_1", {digest_of(FACE), digest_of(DOCUMENT)})
        assert dict(await store.held("s_1")) == {digest_of(ESSAY): len(ESSAY)}
        assert [each async for each in store.blobs("s_1")] == [(digest_of(ESSAY), ESSAY)]
        assert await store.blob("s_1", digest_of(ESSAY)) == ESSAY
        with pytest.raises(NotFound):
            await store.blob("s_1", digest_of(FACE))

    async def test_the_records_that_name_it_stay_as_they_were(self, store: Store) -> None:
        await filled(store)
        before = await store.received("s_1", "d_1"), await store.device_log("s_1", "d_1")
        await store.erase("s_1", {digest_of(each) for each in ALL})
        assert (await store.received("s_1", "d_1"), await store.device_log("s_1", "d_1")) == before

    async def test_erasing_again_or_what_was_never_held_changes_nothing(self, store: Store) -> None:
        await filled(store)
        for _ in range(2):
            await store.erase("s_1", [digest_of(FACE), digest_of(b"never held")])
        await store.erase("s_1", [])
        assert set(await store.held("s_1")) == {digest_of(DOCUMENT), digest_of(ESSAY)}

    async def test_another_session_s_blob_of_the_same_bytes_stays(self, store: Store) -> None:
        await filled(store, "s_1", "s_2")
        await store.erase("s_1", {digest_of(each) for each in ALL})
        assert await store.held("s_1") == {}
        assert await store.blob("s_2", digest_of(FACE)) == FACE
        assert list(await store.holding()) == ["s_2"]

    async def test_a_session_is_listed_while_it_holds_anything(self, store: Store) -> None:
        await created(store, "s_0")
        await filled(store)
        assert list(await store.holding()) == ["s_1"]
        await store.erase("s_1", {digest_of(FACE), digest_of(DOCUMENT)})
        assert list(await store.holding()) == ["s_1"]
        await store.erase("s_1", {digest_of(ESSAY)})
        assert list(await store.holding()) == []

    async def test_a_session_with_something_left_takes_more(self, store: Store) -> None:
        await filled(store)
        await store.erase("s_1", {digest_of(FACE)})
        log = await store.device_log("s_1", "d_1")
        await store.append(append(log.frontier, b"1", blobs=(b"late",)))
        assert await store.blob("s_1", digest_of(b"late")) == b"late"

    async def test_a_session_with_nothing_left_takes_nothing_more(self, store: Store) -> None:
        await filled(store)
        await store.erase("s_1", {digest_of(each) for each in ALL})
        log = await store.device_log("s_1", "d_1")
        with pytest.raises(NotFound):
            await store.append(append(log.frontier, b"1", blobs=(b"late",)))
        assert await store.held("s_1") == {}


class TestSqlStore(EraseContract):
    @pytest.fixture
    async def store(self, sql: SqlStore) -> Store:
        return sql


class TestMemoryStore(EraseContract):
    @pytest.fixture
    async def store(self) -> Store:
        return MemoryStore()


@pytest.fixture
async def sql(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with opened(tmp_path) as store:
        yield store


async def _places(store: SqlStore) -> dict[str, Place]:
    await store.holding()  # waits for rows that follow
    rows = await store.read(lambda tx: tx.execute(text("SELECT * FROM blobs")).all())
    return {row.sha256: Place(row.segment, row.start, row.size) for row in rows}


async def _wrapped_key(store: SqlStore) -> bytes | None:
    query = text("SELECT wrapped FROM session_keys WHERE session = 's_1'")
    return await store.read(lambda tx: tx.execute(query).scalar_one_or_none())


async def test_the_bytes_of_an_erased_picture_are_zeros_and_no_others(
    tmp_path: Path, sql: SqlStore
) -> None:
    await filled(sql)
    segment = tmp_path / "segments" / "00000001"
    before, face = segment.read_bytes(), (await _places(sql))[digest_of(FACE)]

    await sql.erase("s_1", {digest_of(FACE)})

    start, end = face.offset, face.offset + face.size
    zeroed = before[:start] + bytes(face.size) + before[end:]
    assert segment.read_bytes() == zeroed
    assert before != zeroed


def _copies(folder: Path, digest: str) -> list[bytes]:
    """Return what the segment files hold wherever they say that a blob was written."""
    segments = Segments(folder / "segments")
    return [
        segments.read(place) for _, sha256, place in segments.written(since=1) if sha256 == digest
    ]


async def test_of_a_picture_that_came_twice_no_copy_is_left_after_it_was_erased(
    tmp_path: Path, sql: SqlStore
) -> None:
    await filled(sql)
    log = (await sql.device_log("s_1", "d_1")).frontier
    for n in range(2):  # by itself, then twice in one group
        batches = [append(log, b"%d" % n, blobs=(FACE,), of="s_1")]
        batches.append(append(batches[0].frontier, b"again", blobs=(FACE,), of="s_1"))
        await asyncio.gather(*map(sql.append, batches))
        log = batches[-1].frontier
    assert await sql.blob("s_1", digest_of(FACE)) == FACE
    await sql.erase("s_1", {digest_of(FACE)})
    copies = _copies(tmp_path, digest_of(FACE))
    assert len(copies) == 5
    assert not any(map(any, copies))
    assert await sql.blob("s_1", digest_of(ESSAY)) == ESSAY


async def test_a_copy_that_a_crash_left_is_gone_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    async with opened(tmp_path, alone=True) as store:
        await filled(store)
        log = (await store.device_log("s_1", "d_1")).frontier
        monkeypatch.setattr(store._segments, "erase", broken)
        await store.append(append(log, b"1", blobs=(FACE,)))
    assert sum(map(any, _copies(tmp_path, digest_of(FACE)))) == 2
    async with opened(tmp_path, alone=True) as store:
        await store.recovered()
        assert sum(map(any, _copies(tmp_path, digest_of(FACE)))) == 1
        assert await store.blob("s_1", digest_of(FACE)) == FACE


async def test_a_batch_whose_row_a_power_cut_took_is_there_though_its_copy_was_erased(
    tmp_path: Path,
) -> None:
    """What follows batches is committed without waiting for the disk."""
    async with opened(tmp_path, alone=True) as store:
        await filled(store)
        log = (await store.device_log("s_1", "d_1")).frontier
        await store.append(append(log, b"1", blobs=(FACE,)))
        await store.held("s_1")  # waits for rows that follow
        assert sum(map(any, _copies(tmp_path, digest_of(FACE)))) == 1
        await store.write(lambda tx: tx.execute(text("DELETE FROM batches WHERE first = 1")))
    async with opened(tmp_path, alone=True) as store:
        assert (await store.device_log("s_1", "d_1")).frontier.size == 2
        assert await store.blob("s_1", digest_of(FACE)) == FACE
        # Both rows and the first place.
        await store.write(lambda tx: tx.execute(text("DELETE FROM batches")))
        await store.write(lambda tx: tx.execute(text("DELETE FROM blobs")))
    async with opened(tmp_path, alone=True) as store:
        assert (await store.device_log("s_1", "d_1")).frontier.size == 2
        assert await store.blob("s_1", digest_of(FACE)) == FACE


async def test_more_is_appended_behind_what_was_erased(sql: SqlStore) -> None:
    await filled(sql)
    await sql.erase("s_1", {digest_of(FACE)})
    log = await sql.device_log("s_1", "d_1")
    await sql.append(append(log.frontier, b"1", blobs=(b"late",)))
    assert await sql.blob("s_1", digest_of(ESSAY)) == ESSAY
    assert await sql.blob("s_1", digest_of(b"late")) == b"late"


async def test_the_key_goes_with_the_last_blob_and_not_before(
    tmp_path: Path, sql: SqlStore
) -> None:
    await filled(sql)
    await sql.erase("s_1", {digest_of(FACE), digest_of(DOCUMENT)})
    wrapped = await _wrapped_key(sql)
    assert wrapped is not None
    await sql.erase("s_1", {digest_of(ESSAY)})
    assert await _wrapped_key(sql) is None
    # Neither is it left in a page of the database once the write-ahead log is written back.
    checkpoint = text("PRAGMA wal_checkpoint(TRUNCATE)")
    await sql.read(lambda tx: tx.execute(checkpoint).all())
    assert wrapped not in (tmp_path / "proctor.db").read_bytes()


async def test_erasing_is_there_when_the_folder_is_opened_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await filled(store)
        await store.erase("s_1", {digest_of(FACE)})
    async with opened(tmp_path) as store:
        assert set(await store.held("s_1")) == {digest_of(DOCUMENT), digest_of(ESSAY)}


async def test_a_crash_between_bytes_and_rows_is_mended_by_erasing_again(
    tmp_path: Path, sql: SqlStore
) -> None:
    await filled(sql)
    face = (await _places(sql))[digest_of(FACE)]
    Segments(tmp_path / "segments").erase([face])
    with pytest.raises(NotFound):
        await sql.blob("s_1", digest_of(FACE))
    assert digest_of(FACE) in await sql.held("s_1")
    await sql.erase("s_1", {digest_of(FACE)})
    assert digest_of(FACE) not in await sql.held("s_1")


async def test_a_segment_that_is_gone_does_not_keep_its_rows(tmp_path: Path, sql: SqlStore) -> None:
    await filled(sql)
    (tmp_path / "segments" / "00000001").unlink()
    await sql.erase("s_1", {digest_of(each) for each in ALL})
    assert list(await sql.holding()) == []


async def test_a_disk_that_fails_is_said_and_the_same_again_succeeds(sql: SqlStore) -> None:
    await filled(sql)
    with full_disk(), pytest.raises(StorageFull):
        await sql.erase("s_1", {digest_of(FACE)})
    await sql.erase("s_1", {digest_of(FACE)})
    assert digest_of(FACE) not in await sql.held("s_1")


async def test_more_than_one_job_s_worth_is_erased_whole(sql: SqlStore) -> None:
    pictures = tuple(b"picture %d" % n for n in range(ERASED_AT_ONCE + 1))
    await created(sql)
    await sql.append(append(Frontier(), b"0", blobs=pictures))
    await sql.erase("s_1", {digest_of(each) for each in pictures})
    assert await sql.held("s_1") == {}
    assert await _wrapped_key(sql) is None

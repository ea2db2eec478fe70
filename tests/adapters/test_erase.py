"""What erasing does, on the disk too: `services.ports.Store.erase`."""

import asyncio
import shutil
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
    after = segment.read_bytes()
    assert after[: len(before)] == zeroed
    assert not any(after[len(before) :])  # room is made ahead meanwhile
    assert before != zeroed


def _copies(folder: Path, digest: str) -> list[bytes]:
    """Return what the segment files hold wherever they say that a blob was written."""
    segments = Segments(folder / "segments")
    return [
        segments.read(place) for _, sha256, place in segments.written(since=1) if sha256 == digest
    ]


def _broken(_: object) -> None:
    raise OSError(5, "Input/output error")


def _erased_line(picture: bytes) -> bytes:
    return (
        b'{"v":1,"session":"s_1","device":"server","seq":1,"at_ms":1,"kind":"erased",'
        b'"sha256":["' + digest_of(picture).encode() + b'"],"why":"30 days"}'
    )


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
    async with opened(tmp_path, alone=True) as store:
        await filled(store)
        log = (await store.device_log("s_1", "d_1")).frontier
        monkeypatch.setattr(store._segments, "erase", _broken)
        await store.append(append(log, b"1", blobs=(FACE,)))
    assert sum(map(any, _copies(tmp_path, digest_of(FACE)))) == 2
    async with opened(tmp_path, alone=True) as store:
        await store.recovered()
        assert sum(map(any, _copies(tmp_path, digest_of(FACE)))) == 1
        assert await store.blob("s_1", digest_of(FACE)) == FACE


async def test_a_copy_that_is_left_when_its_picture_is_erased_is_gone_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row names its picture any more: what the server's log says was erased does."""
    async with opened(tmp_path) as store:
        await filled(store)
        log = (await store.device_log("s_1", "d_1")).frontier
        with monkeypatch.context() as broken:
            broken.setattr(store._segments, "erase", _broken)
            await store.append(append(log, b"1", blobs=(FACE, DOCUMENT)))
            await store.held("s_1")  # waits for rows that follow
        case = await store.case("s_1")
        await store.save(case, case.session, lines=[_erased_line(FACE)])
        await store.erase("s_1", [digest_of(FACE), digest_of(DOCUMENT)])
        shutil.copytree(tmp_path, tmp_path / "crashed")
    crashed = tmp_path / "crashed"
    assert sum(map(any, _copies(crashed, digest_of(FACE)))) == 1
    async with opened(crashed, alone=True) as store:
        await store.recovered()
        assert set(await store.held("s_1")) == {digest_of(ESSAY)}
    assert sum(map(any, _copies(crashed, digest_of(FACE)))) == 0
    assert sum(map(any, _copies(crashed, digest_of(DOCUMENT)))) == 1  # no log says so


async def test_of_a_batch_that_was_half_written_and_came_again_no_copy_is_left(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        await filled(store)
        log = (await store.device_log("s_1", "d_1")).frontier
        shutil.copytree(tmp_path, tmp_path / "crashed")
        again = append(log, b"1", blobs=(b"late",))
        await store.append(again)
    crashed = tmp_path / "crashed"
    shutil.copytree(tmp_path / "segments", crashed / "segments", dirs_exist_ok=True)
    *_, (_, _, row) = Segments(crashed / "segments").written(since=1)
    Segments(crashed / "segments").erase([row])
    async with opened(crashed, alone=True) as store:
        assert (await store.device_log("s_1", "d_1")).frontier == log
        assert sum(map(any, _copies(crashed, digest_of(b"late")))) == 1
        await store.append(again)
        assert await store.blob("s_1", digest_of(b"late")) == b"late"
        await store.held("s_1")  # waits for rows that follow
        found = _copies(crashed, digest_of(b"late"))
        assert (len(found), sum(map(any, found))) == (2, 1)


async def test_a_disk_that_fails_is_not_asked_to_erase_copies_with_each_commit(
    sql: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def broken(places: object) -> None:
        asked.append(places)
        raise OSError(5, "Input/output error")

    await filled(sql)
    log = (await sql.device_log("s_1", "d_1")).frontier
    monkeypatch.setattr(sql._segments, "erase", broken)
    await sql.append(append(log, b"1", blobs=(FACE,)))
    for name in ("s_2", "s_3", "s_4"):
        await created(sql, name)
    assert len(asked) == 1


# --- an older database, put back ---------------------------------------------------------------


def _database(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("proctor.db*")}


def _put_back(folder: Path, database: dict[str, bytes]) -> None:
    for path in folder.glob("proctor.db*"):
        path.unlink()
    for name, stored in database.items():
        (folder / name).write_bytes(stored)


@pytest.mark.parametrize("rotten", [False, True], ids=["all is whole", "a row rotted"])
async def test_a_start_on_an_older_database_takes_no_picture_of_a_newer_one(
    tmp_path: Path, *, rotten: bool
) -> None:
    async with opened(tmp_path, alone=True) as store:
        await filled(store)
        log = (await store.device_log("s_1", "d_1")).frontier
    older = _database(tmp_path)
    async with opened(tmp_path, alone=True) as store:
        await store.append(append(log, b"1", blobs=(b"since", FACE)))
        await filled(store, "s_2")
    newer = _database(tmp_path)
    if rotten:
        written = Segments(tmp_path / "segments").written(since=2)
        row = next(place for _, digest, place in written if not digest)
        segment = tmp_path / "segments" / "00000002"
        changed = bytearray(segment.read_bytes())
        changed[row.offset + row.size - 1] ^= 1
        segment.write_bytes(changed)

    _put_back(tmp_path, older)
    async with opened(tmp_path, alone=True) as store:
        await store.recovered()
        assert set(await store.held("s_1")) >= {digest_of(each) for each in ALL}
    _put_back(tmp_path, newer)
    async with opened(tmp_path, alone=True) as store:
        await store.recovered()
        for session, pictures in (("s_1", (*ALL, b"since")), ("s_2", ALL)):
            for picture in pictures:
                assert await store.blob(session, digest_of(picture)) == picture


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

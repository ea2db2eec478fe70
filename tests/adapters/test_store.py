import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from proctor.adapters import keys
from proctor.adapters import writer as writing
from proctor.adapters.clock import SystemClock
from proctor.adapters.segments import BLOCK_BYTES, Segments
from proctor.adapters.store import DatabaseUnusable, SqlStore, open_engine
from proctor.domain.session import State
from proctor.evidence.tree import Frontier
from proctor.services.ports import NotFound, StorageFull, Store
from tests.adapters.store_contract import (
    EXAM,
    NOW,
    POLICY,
    StoreContract,
    append,
    created,
    device,
    digest_of,
    flag,
    observation,
    reading,
    session,
)
from tests.conftest import full_disk, until
from tests.memory_store import Fault, MemoryStore


@asynccontextmanager
async def opened(folder: Path, *, alone: bool = False) -> AsyncIterator[SqlStore]:
    secrets = keys.load(folder / "keys", server="proctor.test")
    engine, segments = open_engine(folder / "proctor.db"), Segments(folder / "segments")
    store = SqlStore(engine, segments, secrets, SystemClock(), alone=alone)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def sql(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with opened(tmp_path) as store:
        yield store


class TestSqlStore(StoreContract):
    @pytest.fixture
    async def store(self, sql: SqlStore) -> Store:
        return sql


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> Store:
        return MemoryStore()


@pytest.mark.parametrize(
    ("fault", "error", "kept"),
    [
        pytest.param(Fault.BEFORE_COMMIT, ConnectionError, 0, id="the request is lost"),
        pytest.param(Fault.AFTER_COMMIT, ConnectionError, 1, id="the answer is lost"),
        pytest.param(Fault.FULL, StorageFull, 0, id="the disk is full"),
    ],
)
async def test_the_fake_fails_once_and_either_before_or_after_it_stored(
    fault: Fault, error: type[Exception], kept: int
) -> None:
    store = MemoryStore()
    await created(store)
    store.next_fault = fault
    with pytest.raises(error):
        await store.append(append(Frontier(), b"0"))
    assert len(await store.received("s_1", "d_1")) == kept
    await store.observe("s_1", observation())


async def test_all_that_was_stored_is_there_when_the_folder_is_opened_again(
    tmp_path: Path,
) -> None:
    first = append(Frontier(), b"0", blobs=(b"picture",), receipt=b"note 1")
    async with opened(tmp_path) as store:
        published = await store.publish(EXAM, POLICY)
        case = await created(store)
        running = replace(case.session, state=State.RUNNING)
        case = await store.save(case, running, lines=[b"on"], device=device(), flags=[flag()])
        await store.append(first)
        await store.observe("s_1", observation())

    async with opened(tmp_path) as store:
        assert await store.latest("short") == published
        assert await store.case("s_1") == case
        assert await store.server_lines("s_1") == [b"opened", b"on"]
        assert await store.devices("s_1") == [device()]
        assert await store.flags("s_1") == [flag()]
        assert await store.observations("s_1") == [observation()]
        assert await store.blob("s_1", digest_of(b"picture")) == b"picture"
        # And it goes on from there.
        await store.append(append(first.frontier, b"1", blobs=(b"another",)))
        assert await store.blob("s_1", digest_of(b"another")) == b"another"
        assert await store.blob("s_1", digest_of(b"picture")) == b"picture"


async def test_what_a_write_returned_is_in_the_files_already(tmp_path: Path, sql: SqlStore) -> None:
    """A copy of the folder has it, as a crash leaves it: nothing waits in memory alone."""
    await created(sql)
    await sql.held("s_1")
    await sql.append(append(Frontier(), b"0", blobs=(b"picture",), receipt=b"note 1"))
    shutil.copytree(tmp_path, tmp_path / "crashed")
    async with opened(tmp_path / "crashed", alone=True) as other:
        log = await other.device_log("s_1", "d_1")
        assert (log.frontier.size, log.receipt) == (1, b"note 1")
        assert await other.blob("s_1", digest_of(b"picture")) == b"picture"
        # And it goes on from there.
        await other.append(append(log.frontier, b"1", blobs=(b"another",)))
        assert len(await other.received("s_1", "d_1")) == 2


@pytest.mark.parametrize("room", [pytest.param(0, id="at once"), pytest.param(20_000, id="soon")])
async def test_a_full_disk_stores_nothing_and_the_same_again_succeeds_when_there_is_room(
    sql: SqlStore, room: int
) -> None:
    case = await created(sql)
    first = append(Frontier(), b"0", blobs=(b"first picture",), receipt=b"note 1")
    await sql.append(first)
    assert (await sql.device_log("s_1", "d_1")).receipt == b"note 1"
    second = append(first.frontier, b"1", blobs=(b"second picture" * 5000,), receipt=b"note 2")
    ended = replace(case.session, state=State.TERMINATED)

    with full_disk(room=room):
        for _ in range(2):
            with pytest.raises(StorageFull):
                await sql.append(second)
        if room == 0:
            with pytest.raises(StorageFull):
                await sql.save(case, ended, lines=[b"ended"], flags=[flag()])
            await sql.observe("s_1", observation())
        # What is there can be read meanwhile.
        assert await sql.blob("s_1", digest_of(b"first picture")) == b"first picture"
        assert (await sql.device_log("s_1", "d_1")).receipt == b"note 1"
        assert await sql.server_lines("s_1") == [b"opened"]
        assert await sql.flags("s_1") == []

    await sql.append(second)
    saved = await sql.save(case, ended, lines=[b"ended"])
    assert len(await sql.observations("s_1")) == (room == 0)
    assert await sql.case("s_1") == saved
    assert await sql.blob("s_1", second.blobs[0][0]) == second.blobs[0][1]
    assert await sql.blob("s_1", digest_of(b"first picture")) == b"first picture"


async def test_a_database_that_is_full_loses_nothing_and_takes_no_more(tmp_path: Path) -> None:
    """The batch still fits into its segment, its rows don't: they follow when there is room."""
    async with opened(tmp_path) as store:
        await created(store)
        await store.write(lambda tx: tx.execute(text("PRAGMA max_page_count=10")))
        big = append(Frontier(), *[b"x" * 60_000] * 20, blobs=(b"picture",))
        await store.append(big)
        with pytest.raises(StorageFull):
            await store.write(lambda tx: tx.execute(text("DELETE FROM logins")))
        with pytest.raises(StorageFull):
            await store.append(append(big.frontier, b"more"))
        assert await store.held("s_1") == {}
        shutil.copytree(tmp_path, tmp_path / "crashed")
    async with opened(tmp_path / "crashed", alone=True) as store:
        assert await store.blob("s_1", digest_of(b"picture")) == b"picture"
        await store.append(append(big.frontier, b"more"))


async def test_what_a_stored_session_does_not_say_means_what_it_always_meant(sql: SqlStore) -> None:
    await created(sql)
    body = (
        '{"id":"s_1","exam":"short","exam_sha256":"e","policy_sha256":"p","learner":"Ada",'
        '"made_at":"2026-09-01T10:00:00Z","sections":[{"id":"part-a","limit":"PT1H"}],'
        '"in_order":true}'
    )
    await sql.write(lambda tx: tx.execute(text("UPDATE sessions SET body = :body"), {"body": body}))
    session = (await sql.case("s_1")).session
    section = session.sections[0]
    assert (session.state, section.state) == ("invited", "planned")
    assert (session.id_check.state, session.review.state) == ("awaited", "awaiting")
    assert (session.allowance.time_factor, session.allowance.extra) == (Decimal(1), timedelta(0))
    said = {"id", "exam", "exam_sha256", "policy_sha256", "learner", "made_at", "sections"}
    seen = {"in_order", "state", "id_check", "review", "allowance", "devices"}
    assert not any(each for name, each in asdict(session).items() if name not in said | seen)
    quiet = (asdict(session.id_check), asdict(session.review), asdict(session.devices))
    assert not any(each for part in quiet for name, each in part.items() if name != "state")


async def test_a_batch_that_was_half_written_is_left_out_and_those_before_are_not(
    tmp_path: Path, sql: SqlStore
) -> None:
    await created(sql)
    await sql.held("s_1")
    first = append(Frontier(), b"0", blobs=(b"picture",))
    await sql.append(first)
    await sql.append(append(first.frontier, b"1", blobs=(b"x" * 50_000,)))
    shutil.copytree(tmp_path, tmp_path / "crashed")
    segment = tmp_path / "crashed" / "segments" / "00000001"
    whole = segment.read_bytes()
    segment.write_bytes(whole[: 3 * BLOCK_BYTES] + bytes(len(whole) - 3 * BLOCK_BYTES))
    async with opened(tmp_path / "crashed", alone=True) as store:
        assert (await store.device_log("s_1", "d_1")).frontier.size == 1
        assert set(await store.held("s_1")) == {digest_of(b"picture")}


async def test_what_stands_behind_a_batch_that_rotted_was_answered_and_is_kept(
    tmp_path: Path, sql: SqlStore
) -> None:
    await created(sql)
    await sql.held("s_1")
    first = append(Frontier(), b"0", blobs=(b"x" * 50_000,))
    second = append(first.frontier, b"1")
    third = append(second.frontier, b"2")
    for batch in (first, second, third):
        await sql.append(batch)
    shutil.copytree(tmp_path, tmp_path / "crashed")
    with (tmp_path / "crashed" / "segments" / "00000001").open("r+b") as segment:
        segment.seek(3 * BLOCK_BYTES)
        segment.write(bytes(BLOCK_BYTES))
    async with opened(tmp_path / "crashed", alone=True) as store:
        held = await store.received("s_1", "d_1")
        assert [batch.lines for batch in held] == [(b"1",), (b"2",)]


async def test_what_was_destroyed_does_not_come_back_after_a_crash(
    tmp_path: Path, sql: SqlStore
) -> None:
    for name in ("s_1", "s_2"):
        await created(sql, name)
        await sql.append(append(Frontier(), b"0", blobs=(b"picture", b"other"), of=name))
    await sql.erase("s_1", [digest_of(b"picture")])
    await sql.erase("s_2", [digest_of(b"picture"), digest_of(b"other")])
    await sql.forget("s_2")
    shutil.copytree(tmp_path, tmp_path / "crashed")
    async with opened(tmp_path / "crashed", alone=True) as store:
        assert set(await store.held("s_1")) == {digest_of(b"other")}
        assert await store.received("s_2", "d_1") == []
        assert await store.held("s_2") == {}


async def test_observations_that_could_not_be_written_are_not_passed_over(
    sql: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await created(sql)
    with monkeypatch.context() as broken:
        broken.setattr(writing, "_PUT_OBSERVATIONS", "INSERT INTO nowhere")
        await sql.observe(first.session.id, observation(1))
        with pytest.raises(StorageFull):
            await sql.observations(first.session.id)
        with pytest.raises(StorageFull):
            await sql.observe(first.session.id, observation(2))

    async def written() -> bool:
        with suppress(StorageFull):
            return [each.seq for each in await sql.observations(first.session.id)] == [1]
        return False

    await until(written)


async def test_to_read_a_picture_whose_row_is_written_commits_nothing(
    sql: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await created(sql)
    await sql.append(append(Frontier(), b"0", blobs=(b"picture",)))
    assert await sql.held("s_1") == {digest_of(b"picture"): len(b"picture")}  # now it is
    monkeypatch.setattr(writing, "ROWS_WITHIN_S", 60)
    await sql.observe("s_1", observation(1))
    assert await sql.blob("s_1", digest_of(b"picture")) == b"picture"
    count = text("SELECT COUNT(*) FROM observations")
    assert await sql.read(lambda tx: tx.execute(count).scalar_one()) == 0


async def test_a_picture_is_read_at_once_though_its_row_would_come_later(
    sql: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await created(sql)
    monkeypatch.setattr(writing, "ROWS_WITHIN_S", 60)
    await sql.append(append(Frontier(), b"0", blobs=(b"picture",)))
    assert await sql.blob("s_1", digest_of(b"picture")) == b"picture"


async def test_pictures_lie_on_the_disk_encrypted(tmp_path: Path, sql: SqlStore) -> None:
    await created(sql)
    await sql.append(append(Frontier(), b"0", blobs=(b"a face that nobody may see",)))
    files = [
        tmp_path / "segments" / "00000001",
        tmp_path / "proctor.db",
        tmp_path / "proctor.db-wal",
    ]
    assert not any(b"a face that nobody" in path.read_bytes() for path in files)


async def test_a_picture_whose_key_was_destroyed_is_held_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await created(store)
        await store.append(append(Frontier(), b"0", blobs=(b"picture",)))
        await store.write(lambda tx: tx.execute(text("DELETE FROM session_keys")))
    async with opened(tmp_path) as store:
        with pytest.raises(NotFound):
            await store.blob("s_1", digest_of(b"picture"))
        assert await store.held("s_1") == {}
        assert [each async for each in store.blobs("s_1")] == []


async def test_a_picture_that_rotted_on_the_disk_is_not_found(
    tmp_path: Path, sql: SqlStore
) -> None:
    await created(sql)
    await sql.append(append(Frontier(), b"0", blobs=(b"picture",)))
    (segment,) = (tmp_path / "segments").iterdir()
    rotten = bytearray(segment.read_bytes())
    for at in range(120, 140):  # behind the list that the write begins with
        rotten[at] ^= 1
    segment.write_bytes(rotten)
    with pytest.raises(NotFound):
        await sql.blob("s_1", digest_of(b"picture"))


async def test_a_folder_whose_master_key_was_replaced_is_not_served(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.check_master_key()  # no session yet: any will do
        await created(store)
        await store.check_master_key()
    (tmp_path / "keys" / "master").write_bytes(b"x" * keys.SECRET_BYTES)
    async with opened(tmp_path) as store:
        with pytest.raises(keys.KeyFileUnsafe, match="not the master key that this folder"):
            await store.check_master_key()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param("garbage", "not a database", id="it is another kind of file"),
        pytest.param("newer", "a newer version", id="a newer version of this program made it"),
        pytest.param("folder", "unable to open", id="it is a folder"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, damage: str, why: str
) -> None:
    path = tmp_path / "proctor.db"
    match damage:
        case "garbage":
            path.write_bytes(b"no database at all" * 1000)
        case "newer":
            engine = open_engine(path)
            with engine.begin() as tx:
                tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            engine.dispose()
        case _:
            path.mkdir()
    with pytest.raises(DatabaseUnusable, match=why) as refused:
        open_engine(path)
    assert str(path) in str(refused.value)


async def test_writes_at_once_are_all_stored(sql: SqlStore) -> None:
    cases = [await created(sql, f"s_{n}") for n in range(20)]
    fronts = [Frontier()] * len(cases)
    for _ in range(5):
        appends = [append(front, b"x", of=f"s_{n}") for n, front in enumerate(fronts)]
        observed = [sql.observe(f"s_{n}", observation()) for n in range(len(cases))]
        await asyncio.gather(*map(sql.append, appends), *observed)
        fronts = [each.frontier for each in appends]
    for n in range(len(cases)):
        assert (await sql.device_log(f"s_{n}", "d_1")).frontier.size == 5


async def test_an_address_that_is_forgotten_stands_in_the_file_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for number in range(40):
            made = await store.create(
                session(f"s_{number}"),
                join_sha256=f"join {number}",
                lines=[b"opened"],
                email=f"ada.{number}@example.edu",
            )
            await store.save(made, replace(made.session, state=State.CHECK_IN))
    assert b"ada.7@example.edu" in (tmp_path / "proctor.db").read_bytes()
    async with opened(tmp_path) as store:
        for number in range(40):
            await store.forget_email(f"s_{number}", mailed=number % 2 == 0)
    assert b"@example.edu" not in (tmp_path / "proctor.db").read_bytes()


async def test_a_session_that_is_forgotten_stands_in_the_file_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for number in range(40):
            made = await store.create(
                replace(session(f"s_{number}"), learner=f"Learner No. {number}"),
                join_sha256=f"join {number}",
                lines=[b"a line of the log"],
            )
            await store.save(made, replace(made.session, state=State.CHECK_IN))
    assert b"Learner No. 7" in (tmp_path / "proctor.db").read_bytes()
    async with opened(tmp_path) as store:
        # Some builds of SQLite overwrite what is deleted without being told to.
        await store.write(_without_overwriting)
        for number in range(40):
            await store.forget(f"s_{number}")
    stored = (tmp_path / "proctor.db").read_bytes()
    assert b"Learner No. " not in stored
    assert b"a line of the log" not in stored


def _without_overwriting(tx: Connection) -> None:
    tx.exec_driver_sql("PRAGMA secure_delete=OFF")


async def test_a_picture_that_came_twice_does_not_come_back_once_it_is_erased(
    tmp_path: Path, sql: SqlStore
) -> None:
    """Its second copy has no row; after a crash it must not get one."""
    case = await created(sql)
    first = append(Frontier(), b"0", blobs=(b"picture", b"other"))
    await sql.append(first)
    await sql.append(append(first.frontier, blobs=(b"picture",)))
    gone = digest_of(b"picture")
    told = (
        b'{"v":1,"session":"s_1","device":"server","seq":1,"at_ms":1,"kind":"erased",'
        b'"sha256":["' + gone.encode() + b'"],"why":"30 days"}'
    )
    await sql.save(case, case.session, lines=[told])
    await sql.erase("s_1", [gone])
    shutil.copytree(tmp_path, tmp_path / "crashed")
    async with opened(tmp_path / "crashed", alone=True) as store:
        assert set(await store.held("s_1")) == {digest_of(b"other")}


async def test_a_recovery_that_fails_is_told_to_whoever_opens_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise DatabaseUnusable(tmp_path, "locked")

    monkeypatch.setattr(Segments, "written", broken)
    async with opened(tmp_path, alone=True) as store:
        with pytest.raises(DatabaseUnusable):
            await store.recovered()
        with pytest.raises(StorageFull):
            await created(store)


async def test_documents_of_before_are_compared_with_those_of_now(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for id_ in ("s_1", "s_2", "s_3"):
            await created(store, id_)
            await store.keep_reading(id_, reading("X12"), programme="mm", at=NOW)
        await store.forget_reading("s_3")

        def as_before(tx: Connection) -> None:
            tx.execute(
                text("UPDATE id_readings SET number_hmac = zeroblob(32) WHERE session = 's_1'")
            )

        await store.write(as_before)
        assert list(await store.same_document("s_2")) == []

        assert list(await store.documents_of_before()) == ["s_1"]
        await store.keep_reading("s_1", reading("X12"), programme="mm", at=NOW)
        assert list(await store.documents_of_before()) == []
        assert list(await store.same_document("s_2")) == ["s_1"]
        assert list(await store.same_document("s_3")) == []

"""How looks are written down: the first of an entry at once, more of it in good time."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from proctor.services import look_book
from proctor.services.look_book import LookBook, What, Why
from proctor.services.ports import Received, StorageFull
from proctor.services.strips import Strips
from tests.conftest import StillClock, until
from tests.services.house import House
from tests.services.memory_looks import MemoryLooks


class Desk:
    def __init__(self) -> None:
        self.clock = StillClock()
        self.store = MemoryLooks()
        self.book = LookBook(self.store, self.clock.now)

    async def look(self, times: int = 1, session: str = "s_1") -> None:
        for _ in range(times):
            await self.book.note(session, by="ada", what=What.SNAPSHOT, why=Why.REVIEW)

    async def written(self, session: str = "s_1") -> list[int]:
        return [look.count for look in await self.store.of(session)]


async def test_the_first_look_of_an_entry_is_written_before_anything_is_shown() -> None:
    desk = Desk()
    await desk.look()
    assert await desk.written() == [1]
    await desk.look(99)
    assert (await desk.written(), desk.store.writes) == ([1], 1)
    await desk.book.write_counts()
    assert (await desk.written(), desk.store.writes) == ([100], 2)
    await desk.book.write_counts()
    assert desk.store.writes == 2  # nothing was looked at


async def test_who_reads_looks_reads_all_of_them() -> None:
    desk = Desk()
    await desk.look(3)
    assert [each.count for each in await desk.book.of("s_1")] == [3]


async def test_nothing_is_shown_that_can_not_be_written_down() -> None:
    desk = Desk()
    desk.store.full = True
    with pytest.raises(StorageFull):
        await desk.look()
    desk.store.full = False
    await desk.look()
    assert await desk.written() == [1]


async def test_counts_that_could_not_be_written_are_written_later() -> None:
    desk = Desk()
    await desk.look(5)
    desk.store.full = True
    with pytest.raises(StorageFull):
        await desk.book.write_counts()
    await desk.look(5)
    desk.clock.pass_(3600)  # also of an entry that is over
    with pytest.raises(StorageFull):
        await desk.book.write_counts()
    desk.store.full = False
    await desk.book.write_counts()
    assert await desk.written() == [10]


async def test_ten_minutes_later_it_is_another_entry() -> None:
    desk = Desk()
    await desk.look(2)
    desk.clock.pass_(600)
    await desk.book.write_counts()
    await desk.look(3)
    await desk.book.write_counts()
    assert await desk.written() == [2, 3]


async def test_looks_by_many_at_once_are_all_counted() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.look() for _ in range(50)))
    await desk.book.write_counts()
    assert await desk.written() == [50]


async def test_looks_beyond_what_is_counted_in_memory_are_written_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(look_book, "MAX_ENTRIES", 2)
    desk = Desk()
    for session in ("s_1", "s_2", "s_3"):
        await desk.look(4, session)
    assert [await desk.written(each) for each in ("s_1", "s_2", "s_3")] == [[1], [1], [4]]
    await desk.book.write_counts()
    assert [await desk.written(each) for each in ("s_1", "s_2", "s_3")] == [[4], [4], [4]]


async def test_counts_are_written_when_the_server_stops(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(look_book, "COUNT_WITHIN_S", 0.01)
    desk = Desk()
    await desk.look(2)
    desk.store.full = True
    task = asyncio.create_task(desk.book.run())

    async def was_tried() -> bool:
        return "looks not counted" in caplog.text

    await until(was_tried)
    desk.store.full = False
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await desk.written() == [2]


class Counted:
    """Thumbnails of how many pictures there were."""

    async def sheet(self, pictures: Sequence[bytes | None]) -> bytes:
        return str(len(pictures)).encode()

    async def close(self) -> None:
        """Do nothing."""


async def test_sheets_asked_for_at_once_read_the_records_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seat = await House().seat()
    await seat.begin()
    for number in range(3):
        await seat.snapshot(str(number).encode())
    read: list[str] = []
    received = seat.house.store.received

    async def counted(session_id: str, device: str) -> Sequence[Received]:
        read.append(device)
        await asyncio.sleep(0)
        return await received(session_id, device)

    monkeypatch.setattr(seat.house.store, "received", counted)
    strips = Strips(seat.house.store, seat.house.cases, Counted())
    sheets = await asyncio.gather(*(strips.sheet(seat.session, 0) for _ in range(5)))
    assert (sheets, len(read)) == ([b"3"] * 5, 1)

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from proctor.domain.acts import ActKind
from proctor.domain.session import ExamSession, SectionState
from proctor.services import cases as using
from proctor.services.cases import Cases, unchanged
from proctor.services.ports import Case, Conflict
from tests.memory_store import Fault
from tests.services.house import House, Seat


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


def renamed(name: str) -> Callable[[ExamSession, datetime], ExamSession]:
    return lambda session, _now: replace(session, learner=name)


async def test_who_finds_another_version_stored_decides_again(seat: Seat) -> None:
    """Another process (the command line) saved the session meanwhile."""
    other = Cases(seat.house.store, seat.house.clock)
    await other.change(seat.session, renamed("Ada B."), by="bo")
    case = await seat.house.cases.change(seat.session, unchanged, by="bo")
    # Nothing to store: what is in memory may be old. A change finds out.
    assert case.session.learner == "Ada Lovelace"
    changed = await seat.house.act(seat.session, ActKind.PAUSE)
    assert changed.session.learner == "Ada B."


async def test_who_loses_twice_is_told(monkeypatch: pytest.MonkeyPatch, seat: Seat) -> None:
    async def faster(*_: object, **__: object) -> Case:
        raise Conflict

    monkeypatch.setattr(seat.house.store, "save", faster)
    with pytest.raises(Conflict):
        await seat.house.cases.change(seat.session, renamed("Ada B."), by="bo")


@pytest.mark.parametrize("fault", [Fault.BEFORE_COMMIT, Fault.AFTER_COMMIT])
async def test_after_a_fault_the_row_says_what_was_stored(seat: Seat, fault: Fault) -> None:
    seat.house.store.next_fault = fault
    with pytest.raises(ConnectionError):
        await seat.house.cases.change(seat.session, renamed("Ada B."), by="bo")
    stored = await seat.house.store.case(seat.session)
    assert await seat.house.cases.get(seat.session) == stored
    await seat.house.cases.change(seat.session, renamed("Ada C."), by="bo")


async def test_changes_at_once_follow_each_other(seat: Seat) -> None:
    before = (await seat.house.cases.get(seat.session)).version
    changes = [
        seat.house.cases.change(seat.session, renamed(f"Ada {n}"), by="bo") for n in range(5)
    ]
    versions = [case.version for case in await asyncio.gather(*changes)]
    assert sorted(versions) == [before + n for n in range(1, 6)]


async def test_watchers_are_told_until_they_leave(seat: Seat) -> None:
    told: list[str] = []
    cases = seat.house.cases
    with cases.watching(seat.session, lambda case: told.append(case.session.learner)):
        with cases.watching(seat.session, lambda _: told.append("and another")):
            await cases.change(seat.session, renamed("Ada B."), by="bo")
        await cases.change(seat.session, renamed("Ada C."), by="bo")
    await cases.change(seat.session, renamed("Ada D."), by="bo")
    assert sorted(told) == ["Ada B.", "Ada C.", "and another"]


async def test_the_oldest_in_memory_are_forgotten_and_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(using, "MAX_IN_MEMORY", 2)
    house = House()
    await house.publish()
    ids = [(await house.invite()).session for _ in range(3)]
    for id_ in ids:
        await house.cases.get(id_)
    assert [house.cases.in_memory(id_) is not None for id_ in ids] == [False, True, True]
    assert (await house.cases.get(ids[0])).session.id == ids[0]


async def test_the_sweeper_makes_deadlines_visible_and_leaves_the_rest_alone(
    seat: Seat,
) -> None:
    before = (await seat.house.store.case(seat.session)).version
    await seat.house.cases.sweep()
    assert (await seat.house.store.case(seat.session)).version == before
    deadline = seat.house.clock.now().timestamp() + 30
    seat.tick(45)
    await seat.house.cases.sweep()
    section = (await seat.house.store.case(seat.session)).session.section("part-a")
    assert section.state is SectionState.CLOSED
    assert section.closed_at is not None
    assert section.closed_at.timestamp() == deadline


async def test_a_session_that_cannot_be_settled_keeps_no_other_from_it(seat: Seat) -> None:
    invited = await seat.house.invite()
    device = await seat.house.joined(invited.join_token)
    second = Seat(seat.house, device, invited.session)
    await second.connect()
    await second.begin()
    seat.tick(31)
    seat.house.store.next_fault = Fault.BEFORE_COMMIT
    await seat.house.cases.sweep()
    assert await _closed(seat) + await _closed(second) == 1
    # The one that failed is settled when it is needed.
    await seat.house.cases.settled(seat.session)
    assert await _closed(seat) + await _closed(second) == 2


async def test_a_sweep_on_a_full_disk_ends_and_the_next_one_succeeds(seat: Seat) -> None:
    seat.tick(31)
    seat.house.store.next_fault = Fault.FULL
    await seat.house.cases.sweep()
    assert await _closed(seat) == 0
    await seat.house.cases.sweep()
    assert await _closed(seat) == 1


async def _closed(seat: Seat) -> int:
    case = await seat.house.store.case(seat.session)
    return int(case.session.section("part-a").state is SectionState.CLOSED)


async def test_ended_sessions_are_not_swept(seat: Seat) -> None:
    await seat.hand_in()
    seat.tick(3600)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError

    seat.house.store.save = never  # type: ignore[method-assign] # it must not be called
    await seat.house.cases.sweep()

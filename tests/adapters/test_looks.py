"""Looks in the database, and in memory for the services' tests: one contract."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proctor.adapters.keys import load
from proctor.adapters.looks import SqlLooks
from proctor.services.look_book import Look, LookStore, What, Why
from tests.adapters.store_contract import created
from tests.adapters.test_store import opened
from tests.services.memory_looks import MemoryLooks

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
LOOK = Look(session="s_1", by="ada", what=What.FACE, why=Why.REVIEW, at=NOW, until=NOW)


@pytest.fixture(params=["sql", "memory"])
async def looks(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LookStore]:
    if request.param == "memory":
        yield MemoryLooks()
        return
    async with opened(tmp_path) as store:
        yield SqlLooks(store)


async def test_looks_of_one_window_are_one_entry(looks: LookStore) -> None:
    later = NOW + timedelta(minutes=9, seconds=59)
    await looks.add([LOOK])
    await looks.add([replace(LOOK, at=later, until=later, count=7)])
    assert list(await looks.of("s_1")) == [replace(LOOK, until=later, count=8)]


async def test_an_entry_is_one_persons_look_at_one_thing_for_one_reason(looks: LookStore) -> None:
    others = [
        replace(LOOK, by="grace"),
        replace(LOOK, what=What.DOCUMENT),
        replace(LOOK, why=Why.CONTEST),
        replace(LOOK, allowed=False),
        replace(LOOK, at=NOW + timedelta(minutes=10), until=NOW + timedelta(minutes=10)),
    ]
    await looks.add([LOOK, *others, replace(LOOK, session="s_2")])
    found = await looks.of("s_1")
    assert set(found) == {LOOK, *others}
    assert found[-1].at == NOW + timedelta(minutes=10)
    assert await looks.of("s_2") == [replace(LOOK, session="s_2")]
    assert list(await looks.of("s_3")) == []


async def test_looks_outlive_the_server_and_go_with_their_session(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for id_ in ("s_1", "s_2"):
            await created(store, id_)
        await SqlLooks(store).add([LOOK, replace(LOOK, session="s_2")])
    async with opened(tmp_path) as store:
        assert await SqlLooks(store).of("s_1") == [LOOK]
        await store.forget("s_1")
        assert await SqlLooks(store).of("s_1") == []
        assert len(await SqlLooks(store).of("s_2")) == 1


def test_tickets_are_signed_under_a_key_of_the_masters_own(tmp_path: Path) -> None:
    keys = [load(tmp_path / each, server="proctor.test") for each in ("a", "a", "b")]
    one, again, other = (each.ticket_key() for each in keys)
    assert len(one) == 32
    assert one == again
    assert len({one, other, keys[0].master}) == 3

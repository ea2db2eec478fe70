"""What the terminal says while a check-in waits for a person."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from proctor_client import clock, standing
from proctor_client.agent import Plan, take
from proctor_client.checkin import Wait
from proctor_client.screen import Script
from proctor_client.server import Link, parse_link
from proctor_client.server import Server as Asked
from proctor_client.standing import Standing

from proctor.adapters import exams, policies
from proctor.evidence.note import KeyKind, SigningKey
from proctor.services.logins import StaffRole
from tests.client.clips import grey, write_clip
from tests.conftest import SHORT_EXAM, Server, check_in_read
from tests.device import Device

SINCE_MS = 1_795_280_400_000
LEAVE = "You may stop this with Ctrl-C: the same command goes on where it stopped."
STILL = "Your pictures still wait for a person."


def said(wait: Wait, before: int | None, *, at_s: float) -> str:
    since_ms = None if before is None else SINCE_MS
    check = {"state": "captured", "held_since_ms": since_ms, "held_before": before}
    return wait.line(check, server_ms=SINCE_MS + round(1000 * at_s), at_s=5000 + at_s)


def test_a_line_of_life_comes_each_minute_and_at_once_when_the_queue_moves() -> None:
    wait = Wait()
    first = said(wait, 12, at_s=0)
    assert first.startswith("A person looks at your pictures now.")
    assert first.endswith(f"12 learners before you. {LEAVE}")
    assert said(wait, 12, at_s=59.9) == ""
    at_60 = said(wait, 12, at_s=60)
    assert at_60 == f"{STILL} You have waited for 1 minute. 12 learners before you. {LEAVE}"
    moved = said(wait, 1, at_s=85)
    assert moved == f"{STILL} You have waited for 1 minute. 1 learner before you. {LEAVE}"
    # Counted from the last line, whatever brought it.
    assert said(wait, 1, at_s=144) == ""
    assert "2 minutes. 1 learner" in said(wait, 1, at_s=145)


def test_a_queue_that_moves_fast_is_told_no_more_often_than_every_20_seconds() -> None:
    wait = Wait()
    spoken = [at for at in range(101) if said(wait, 200 - at, at_s=at)]
    assert spoken == [0, 20, 40, 60, 80, 100]


def test_a_move_too_soon_after_a_line_is_told_later_unless_it_was_undone() -> None:
    wait = Wait()
    said(wait, 1, at_s=0)
    assert said(wait, 0, at_s=5) == ""
    assert said(wait, 1, at_s=20) == ""
    assert "You are next." in said(wait, 0, at_s=21)


def test_a_server_that_tells_no_queue_gets_a_line_without_one() -> None:
    wait = Wait()
    assert said(wait, None, at_s=0).endswith(f"when they are accepted. {LEAVE}")
    assert said(wait, None, at_s=30) == ""
    assert said(wait, None, at_s=60) == f"{STILL} {LEAVE}"


def test_a_server_s_clock_that_is_behind_makes_no_wait_negative() -> None:
    wait = Wait()
    said(wait, 0, at_s=-100)
    assert "You have waited for 0 seconds." in said(wait, 0, at_s=-40)


class Listener(Script):
    """Somebody who reads along."""

    def __init__(self) -> None:
        super().__init__({}, accepts=True, pace_s=0.0)
        self.said: list[str] = []
        self._more = asyncio.Event()

    def say(self, text: str) -> None:
        self.said.append(text)
        self._more.set()

    async def lines(self, count: int) -> list[str]:
        """Return what was said of the wait, once it is `count` lines."""
        async with asyncio.timeout(30):
            while len(told := [each for each in self.said if LEAVE in each]) < count:
                self._more.clear()
                await self._more.wait()
        return told


async def accept(server: Server, session: str) -> None:
    await check_in_read(server, session)
    bo = await server.as_staff(StaffRole.PROCTOR, "bo")
    path = f"/api/v1/sessions/{session}/id-check"
    async with bo.get(path) as response:
        desk: dict[str, Any] = await response.json()
    seen = {each: desk[each]["sha256"] for each in ("face", "document")}
    async with bo.post(path, json={"event": "accepted", "seen": seen}) as response:
        assert response.status == 200, await response.text()


async def test_who_waits_reads_how_long_and_behind_how_many_until_they_are_accepted(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, passed_s = clock.monotonic_s, 0.0

    def pass_(seconds: float) -> None:
        nonlocal passed_s
        server.clock.pass_(seconds)
        passed_s += seconds

    monkeypatch.setattr(clock, "monotonic_s", lambda: real() + passed_s)
    monkeypatch.setattr(standing, "_NEWS_S", 0.05)
    policy = policies.load(policies.builtin_folder() / "closed-book.toml")
    await server.store.publish(exams.load(SHORT_EXAM).body, policy.body)
    before, mine = [await server.invite() for _ in range(2)]
    clip = write_clip(tmp_path / "clip.avi", 8, lambda at: grey(60 + 10 * at))
    plan = Plan(
        link=parse_link(f"{server.url}/join/{mine['join_token']}"),
        data=tmp_path / "home",
        camera=str(clip),
        blobs_limit_bytes=10_000_000,
        use_keyring=False,
    )
    screen = Listener()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(before["join_token"])
        await device.connect()
        await device.check_in()
        pass_(30)
        taking = asyncio.create_task(take(plan, screen))
        assert "1 learner before you." in (await screen.lines(1))[0]
        pass_(61)
        second = (await screen.lines(2))[1]
        assert second == f"{STILL} You have waited for 1 minute. 1 learner before you. {LEAVE}"
        pass_(25)
        await accept(server, before["session"])
        assert "You are next." in (await screen.lines(3))[2]
        await accept(server, mine["session"])
        async with asyncio.timeout(60):
            await taking
    assert len(await screen.lines(3)) == 3
    assert screen.said[-2].startswith("Submitted.")


async def test_whoever_waits_for_news_ends_when_told_to_though_news_come_at_that_moment() -> None:
    async with aiohttp.ClientSession() as http:
        link = Link(server="http://127.0.0.1:1", token="t")
        key = SigningKey.generate("device", KeyKind.ED25519)
        here = Standing(Asked(http, link, key=key, say=lambda _: None))
        task = asyncio.create_task(here.news())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        here.doubt()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()

"""The wall without a network: what is on a tile, who is told of it, and who sees to whom."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from proctor.domain.acts import ActKind, StalePage, Wanted
from proctor.domain.asks import QualityAsk
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.help import Topic
from proctor.domain.identity import IdEvent
from proctor.domain.session import ExamSession, State
from proctor.evidence.batch import join, split
from proctor.evidence.record import Kind, Record, parse
from proctor.services import device_time, timeline, watch
from proctor.services import wall as walls
from proctor.services.intake import Held
from proctor.services.ports import Case, NotFound, Published, Received, StorageFull
from proctor.services.sessions import proof_text
from proctor.services.tiles import HELP_CHARS, NEEDS
from proctor.services.watch import Watch
from tests.device import JPEG, Device
from tests.services.house import House, Seat


class Page:
    """What one proctor was told."""

    def __init__(self, house: House, watch: Watch) -> None:
        self.house = house
        self.watch = watch
        self.wall = json.loads(watch.first)
        self.tiles: dict[str, dict[str, Any]] = {each["session"]: each for each in self.tiles_of()}

    def tiles_of(self) -> list[dict[str, Any]]:
        tiles: list[dict[str, Any]] = self.wall["tiles"]
        return tiles

    async def hear(self) -> dict[str, Any]:
        """Read what a turn tells; nothing may come of it: {}."""
        reading = asyncio.ensure_future(self.watch.news())
        await asyncio.sleep(0)
        await self.house.wall.turn()
        await asyncio.sleep(0)
        if not reading.done():
            reading.cancel()
            await asyncio.wait({reading})
            return {}
        told: dict[str, Any] = json.loads(reading.result())
        for tile in told["tiles"]:
            self.tiles.setdefault(tile["session"], {}).update(tile)
        for session in told["gone"]:
            del self.tiles[session]
        return told

    async def tile(self, session: str) -> dict[str, Any]:
        await self.hear()
        return self.tiles[session]


@asynccontextmanager
async def watched(house: House, name: str = "bo", exam: str | None = None) -> AsyncIterator[Page]:
    async with house.wall.watching(name, exam=exam) as watch:
        yield Page(house, watch)


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


def flag_of(seat: Seat, number: int = 1, of: FlagClass = FlagClass.CONDUCT) -> Flag:
    now = seat.house.clock.now()
    return Flag(
        id=f"person-count.d_test.{number}",
        when="person-count",
        rule="more than 1 person for 5 seconds",
        flag_class=of,
        severity=0.6,
        policy_sha256="0" * 64,
        section_id="part-a",
        started_at=now,
        ended_at=now,
        measurement="faces",
        value=2,
        threshold=1,
        snapshots=(),
        snapshot_count=0,
        records=(),
        models=(),
        seen=(),
        explanation="",
    )


async def ms(seat: Seat) -> int:
    return int(seat.house.clock.now().timestamp() * 1000)


# --- a tile --------------------------------------------------------------------------------------


async def test_a_tile_says_who_sits_where_and_for_how_long(seat: Seat) -> None:
    began_ms = await ms(seat)
    async with watched(seat.house) as page:
        assert page.wall["me"] == "bo"
        assert page.wall["exams"] == [{"id": "short", "title": "A short exam"}]
        assert page.wall["now_ms"] == began_ms
        assert page.tiles[seat.session] == {
            "session": seat.session,
            "version": 0,
            "learner": "Ada Lovelace",
            "group": "",
            "exam": "short",
            "state": "running",
            "section": "Part A: chance",
            "ends_at_ms": began_ms + 30_000,
            "paused_since_ms": None,
            "id_check": "captured",
            "connected": True,
            "quality": [],
            "conduct": 0,
            "flagged": None,
            "needs": ["id-check-later"],
            "needs_since_ms": began_ms,
            "help": None,
            "termination": None,
            "interrupted": None,
            "taken_by": None,
            "looking": [],
            "waiting_devices": 0,
            "extra_s": 0,
            "still_old_s": 60,
            "lifted": [],
            "heard_ms": began_ms,
            "still": None,
        }


async def test_only_what_changed_is_told(seat: Seat) -> None:
    async with watched(seat.house) as page:
        seat.tick(5)
        await seat.house.act(seat.session, ActKind.PAUSE)
        told = await page.hear()
        paused_ms = await ms(seat)
        assert told == {
            "type": "delta",
            "now_ms": paused_ms,
            "tiles": [
                {
                    "session": seat.session,
                    "version": 1,
                    "state": "paused",
                    "paused_since_ms": paused_ms,
                    "interrupted": {
                        "messages": 0,
                        "pauses": 1,
                        "requests": 0,
                        "last_ms": paused_ms,
                        "at_most": 3,  # of policies/demo.toml
                    },
                },
            ],
            "gone": [],
        }
        assert await page.hear() == {}
        seat.tick(10)
        await seat.house.act(seat.session, ActKind.RESUME, note="")
        tile = await page.tile(seat.session)
        assert (tile["state"], tile["paused_since_ms"], tile["extra_s"]) == ("running", None, 10)


async def test_needs_come_in_the_order_of_their_urgency(seat: Seat) -> None:
    house, since = seat.house, seat.house.clock.now()
    case = await house.cases.get(seat.session)
    asks = (
        QualityAsk(kind="dark", section="part-a", since=since),
        QualityAsk(kind="no-face", section="part-a", since=since, until=since),
    )
    house.wall.see(replace(case, session=replace(case.session, asks=asks)))
    house.wall._found(seat.session, [flag_of(seat)])
    async with watched(house) as page:
        tile = page.tiles[seat.session]
        assert tile["needs"] == ["conduct", "quality", "id-check-later"]
        assert tile["quality"] == ["dark"]
        assert tile["conduct"] == 1
    assert list(NEEDS) == [
        "terminate-proposed",
        "help-fault",
        "help-question",
        "help-hand",
        "device-asks",
        "id-check",
        "offline",
        "conduct",
        "quality",
        "id-check-later",
    ]


async def test_a_tile_says_on_which_version_an_act_upon_it_is_decided(seat: Seat) -> None:
    async with watched(seat.house) as page:
        assert (await page.tile(seat.session))["version"] == 0
        await seat.house.act(seat.session, ActKind.PAUSE)
        version = (await page.tile(seat.session))["version"]
        assert version == 1
        resume = Wanted(kind=ActKind.RESUME)
        await seat.house.acts.act(seat.session, resume, by="bo", version=version)
        with pytest.raises(StalePage):
            await seat.house.acts.act(seat.session, resume, by="cy", version=version)


async def test_a_proposed_end_comes_first_and_lapses(seat: Seat) -> None:
    async with watched(seat.house) as page:
        seat.tick(1)
        await seat.house.act(seat.session, ActKind.TERMINATE)
        tile = await page.tile(seat.session)
        assert tile["needs"] == ["terminate-proposed", "id-check-later"]
        assert tile["termination"] == {
            "act": "a1",
            "by": "bo",
            "code": "environment/disturbance",
            "note": "a fire alarm",
            "lapses_at_ms": await ms(seat) + 60_000,
        }
        assert tile["needs_since_ms"] == await ms(seat)
        await seat.house.act(seat.session, ActKind.PAUSE)  # or the exam is over by then
        seat.tick(60)
        await seat.house.cases.sweep()
        tile = await page.tile(seat.session)
        assert tile["termination"] is None
        assert tile["needs"] == ["id-check-later"]


async def test_who_works_and_is_not_connected_needs_someone(seat: Seat) -> None:
    async with watched(seat.house) as page:
        assert seat.line is not None
        await seat.house.intake.disconnect(seat.line)
        lost_ms = await ms(seat)
        tile = await page.tile(seat.session)
        assert (tile["connected"], tile["needs"]) == (False, ["offline", "id-check-later"])
        seat.tick(3)
        await seat.connect()
        tile = await page.tile(seat.session)
        assert (tile["connected"], tile["needs"]) == (True, ["id-check-later"])
        assert tile["heard_ms"] == lost_ms  # nobody has this tile before their eyes
        await seat.house.act(seat.session, ActKind.PAUSE)
        await seat.house.intake.disconnect(seat.line)
        tile = await page.tile(seat.session)
        assert (tile["connected"], tile["needs"]) == (False, ["id-check-later"])


async def test_another_device_that_asks_is_a_need(seat: Seat) -> None:
    key = Device(None, name="d_two").key  # type: ignore[arg-type] # it has no network
    text = key.verifier.encode()
    proof = b64encode(key.sign(proof_text(seat.token, text))).decode()
    async with watched(seat.house) as page:
        seat.tick(1)
        await seat.house.sessions.ask(seat.token, key=text, proof=proof, kind="browser")
        tile = await page.tile(seat.session)
        assert (tile["waiting_devices"], tile["needs"]) == (1, ["device-asks", "id-check-later"])
        assert tile["needs_since_ms"] == await ms(seat)


async def test_a_rehearsal_is_on_no_wall(seat: Seat) -> None:
    other = House()
    await other.publish()
    case = await seat.house.cases.get(seat.session)
    practice = replace(case, session=replace(case.session, rehearsal_of="s_other"))
    other.wall.see(practice)
    async with watched(other) as page:
        assert page.tiles == {}


async def test_who_was_invited_meanwhile_is_found() -> None:
    house = House()
    await house.publish()
    async with watched(house) as page:
        assert page.tiles == {}
        invited = await house.invite("Bob")
        await house.wall._find()
        tile = await page.tile(invited.session)
        assert (tile["learner"], tile["state"], tile["connected"]) == ("Bob", "invited", False)
        assert tile["needs"] == []
        assert tile["heard_ms"] is None
    early = await house.invite("Cy")
    async with watched(house) as page:
        assert set(page.tiles) == {invited.session, early.session}


@pytest.mark.parametrize(
    "no",
    [
        pytest.param(StorageFull(), id="the disk is full"),
        pytest.param(NotFound(what="session", id="s_1"), id="it was deleted meanwhile"),
    ],
)
async def test_a_session_that_can_t_be_settled_keeps_no_wall_from_opening(
    monkeypatch: pytest.MonkeyPatch, no: Exception
) -> None:
    house = House()
    await house.publish()
    invited = await house.invite()

    async def fails(_: str) -> Case:
        raise no

    with monkeypatch.context() as broken:
        broken.setattr(house.cases, "settled", fails)
        async with watched(house) as page:
            assert page.tiles == {}
    async with watched(house) as page:
        assert set(page.tiles) == {invited.session}


async def test_what_was_read_before_it_changed_is_not_shown(seat: Seat) -> None:
    old = await seat.house.cases.get(seat.session)
    await seat.house.act(seat.session, ActKind.PAUSE)
    seat.house.wall.see(old)
    async with watched(seat.house) as page:
        assert page.tiles[seat.session]["state"] == "paused"


# --- a call for help -----------------------------------------------------------------------------


async def test_the_words_of_a_call_stand_on_the_tile(seat: Seat) -> None:
    async with watched(seat.house) as page:
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="May I use " + "x" * 300)])
        since_ms = await ms(seat)
        tile = await page.tile(seat.session)
        assert tile["needs"][0] == "help-question"
        text = ("May I use " + "x" * 300)[:HELP_CHARS]
        call: dict[str, Any] = {"topic": "question", "text": text, "more": 0, "since_ms": since_ms}
        assert tile["help"] == call
        seat.tick(2)
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="a ruler?")])
        tile = await page.tile(seat.session)
        assert tile["help"] == call | {"text": "a ruler?", "more": 1}
        await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=True)])
        assert (await page.tile(seat.session))["help"] == call | {"text": "a ruler?", "more": 1}
        await seat.house.act(seat.session, ActKind.ANSWER, note="Yes.", code="")
        tile = await page.tile(seat.session)
        assert (tile["help"], tile["needs"]) == (None, ["id-check-later"])


async def test_what_is_said_while_a_call_is_read_is_not_lost(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])
    seat.house = House(seat.house.store, seat.house.clock)
    await seat.connect()
    received = seat.house.store.received

    async def slow(session_id: str, device: str) -> Sequence[Received]:
        found = await received(session_id, device)
        monkeypatch.undo()
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="two")])
        return found

    monkeypatch.setattr(seat.house.store, "received", slow)
    async with watched(seat.house) as page:
        call = (await page.tile(seat.session))["help"]
        assert (call["text"], call["more"]) == ("two", 1)


async def test_a_new_call_begins_with_its_own_words(seat: Seat) -> None:
    async with watched(seat.house) as page:
        for text in ("one", "two"):
            await seat.send([seat.add(Kind.MESSAGE, topic="question", text=text)])
        assert (await page.tile(seat.session))["help"]["more"] == 1
        # Answered and asked again between two turns, at one instant of the clock.
        await seat.house.act(seat.session, ActKind.ANSWER, note="Yes.", code="")
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="three")])
        call = (await page.tile(seat.session))["help"]
        assert (call["text"], call["more"]) == ("three", 0)


async def test_what_came_before_an_answer_and_was_noted_after_it_waits_everywhere(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = seat.house
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])
    seat.tick(1)
    note = house.sessions.call

    async def slow(session_id: str, topic: Topic, **more: Any) -> None:
        seat.tick(1)
        await house.act(seat.session, ActKind.ANSWER, note="Yes.", code="")
        seat.tick(1)
        await note(session_id, topic, **more)

    async with watched(house) as page:
        monkeypatch.setattr(house.sessions, "call", slow)
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="two")])
        call = (await page.tile(seat.session))["help"]
        assert (call["text"], call["more"]) == ("two", 0)
    told = (await story_of(seat)).messages
    assert [(each.text, each.waits) for each in told] == [("one", False), ("two", True)]
    async with watched(House(house.store, house.clock)) as page:
        assert page.tiles[seat.session]["help"] == call


async def test_what_was_asked_on_the_device_before_waits_after_a_restart(seat: Seat) -> None:
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])
    seat.tick(60)
    other = Device(None, name="d_two")  # type: ignore[arg-type] # it has no network
    key = other.key.verifier.encode()
    proof = b64encode(other.key.sign(proof_text(seat.token, key))).decode()
    case, _ = await seat.house.sessions.ask(seat.token, key=key, proof=proof, kind="browser")
    await seat.house.act(
        seat.session, ActKind.ADMIT_DEVICE, code="", of=case.session.devices.asks[-1].device.id
    )
    await seat.house.joined(seat.token, other)
    (*_, device) = await seat.house.store.devices(seat.session)
    seat.device, seat.line = other, await seat.house.intake.connect(device)
    await seat.send([other.hello(), seat.add(Kind.MESSAGE, topic="question", text="two")])
    told = (await story_of(seat)).messages
    assert [(each.text, each.waits) for each in told] == [("one", True), ("two", True)]
    async with watched(House(seat.house.store, seat.house.clock)) as page:
        call = page.tiles[seat.session]["help"]
        assert (call["text"], call["more"]) == ("two", 1)


async def test_a_call_of_an_earlier_version_is_read_from_when_it_began(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = seat.house.sessions.call

    async def slow(session_id: str, topic: Topic, **more: Any) -> None:
        seat.tick(1)
        await note(session_id, topic, **more)

    monkeypatch.setattr(seat.house.sessions, "call", slow)
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="of long ago")])
    seat.tick(10)
    await seat.house.act(seat.session, ActKind.ANSWER, note="Yes.", code="")
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])

    def earlier(session: ExamSession, _now: datetime) -> ExamSession:
        assert session.help is not None
        return replace(session, help=replace(session.help, device="", seq=-1))

    await seat.house.cases.change(seat.session, earlier, by="learner")
    told = (await story_of(seat)).messages
    assert [(each.text, each.waits) for each in told] == [("of long ago", False), ("one", True)]


async def test_a_call_of_before_this_program_is_read_whole(seat: Seat) -> None:
    for text in ("of long ago", "one", "two"):
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text=text)])
        if text == "of long ago":
            seat.tick(1)
            await seat.house.act(seat.session, ActKind.ANSWER, note="Yes.", code="")
            seat.tick(2)  # less than a call may be noted late
    seat.house = House(seat.house.store, seat.house.clock)
    await seat.connect()
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="nobody watches yet")])
    async with watched(seat.house) as page:
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="three")])
        call = (await page.tile(seat.session))["help"]
        assert (call["text"], call["more"]) == ("three", 3)


async def test_a_message_that_was_read_before_it_is_told_counts_once(seat: Seat) -> None:
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])
    message = seat.add(Kind.MESSAGE, topic="question", text="two")
    await seat.send([message])
    again = House(seat.house.store, seat.house.clock)
    async with watched(again) as page:
        again.intake.said(seat.session, parse(message))
        call = (await page.tile(seat.session))["help"]
        assert (call["text"], call["more"]) == ("two", 1)


async def test_a_hand_goes_up_and_down(seat: Seat) -> None:
    async with watched(seat.house) as page:
        await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=True)])
        tile = await page.tile(seat.session)
        assert (tile["needs"][0], tile["help"]["text"]) == ("help-hand", "")
        await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=False)])
        assert (await page.tile(seat.session))["help"] is None


async def test_what_was_asked_stays_when_the_hand_is_taken_down(seat: Seat) -> None:
    async with watched(seat.house) as page:
        await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=True)])
        since_ms = await ms(seat)
        seat.tick(5)
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text="May I?")])
        await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=False)])
        tile = await page.tile(seat.session)
        assert tile["needs"][0] == "help-question"
        call = {"topic": "question", "text": "May I?", "more": 0, "since_ms": since_ms}
        assert tile["help"] == call


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param({"text": "It hangs"}, "It hangs", id="words"),
        pytest.param({"text": 7}, "", id="no words"),
        pytest.param({}, "", id="none at all"),
    ],
)
async def test_after_a_restart_the_words_are_read_again(
    seat: Seat, facts: dict[str, Any], text: str
) -> None:
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="of long ago")])
    await seat.house.act(seat.session, ActKind.ANSWER, note="Yes.", code="")
    seat.tick(20)
    await seat.send([seat.add(Kind.MESSAGE, topic="fault", **facts)])
    await seat.answer("part-a", "two-dice", "1/6")
    again = House(seat.house.store, seat.house.clock)
    async with watched(again) as page:
        assert page.tiles[seat.session]["help"]["text"] == text


async def test_a_message_for_nobody_is_on_no_tile(seat: Seat) -> None:
    async with watched(seat.house) as page:
        await seat.send([seat.add(Kind.MESSAGE, topic="weather", text="rain")])
        assert await page.hear() == {}


# --- stills, and who has them before their eyes --------------------------------------------------


async def test_stills_go_to_those_who_have_the_tile_before_their_eyes(seat: Seat) -> None:
    house = seat.house
    async with watched(house) as near, watched(house, "cy") as far:
        near.watch.view([seat.session])
        assert [each["session"] for each in (await near.hear())["tiles"]] == [seat.session]
        await seat.snapshot()
        reading = asyncio.ensure_future(far.watch.news())
        told = await near.hear()
        assert not reading.done()
        reading.cancel()
        still = told["tiles"][0]["still"]
        assert told["tiles"] == [
            {"session": seat.session, "heard_ms": await ms(seat), "still": still}
        ]
        assert still["device"] == "d_test"
        assert still["at_ms"] == await ms(seat)
        near.watch.view([])
        await seat.snapshot()
        assert await near.hear() == {}
        assert house.wall.viewed == {}


async def test_who_turns_to_a_tile_is_told_all_of_it(seat: Seat) -> None:
    async with watched(seat.house) as page:
        await seat.snapshot()
        page.watch.view([seat.session, "s_nobody"])
        (tile,) = (await page.hear())["tiles"]
        assert tile["learner"] == "Ada Lovelace"
        assert tile["still"]["at_ms"] == await ms(seat)
        assert page.watch.viewed == {seat.session}


async def test_a_wall_that_opens_has_the_newest_stills(seat: Seat) -> None:
    await seat.snapshot()
    async with watched(seat.house) as page, watched(seat.house, "cy") as other:
        assert page.tiles[seat.session]["still"] == other.tiles[seat.session]["still"] is not None


async def test_a_picture_that_an_outage_kept_back_takes_no_newer_one_s_place(seat: Seat) -> None:
    async with watched(seat.house) as page:
        page.watch.view([seat.session])
        late = JPEG + b"late"
        kept_back = seat.add(Kind.SNAPSHOT, blob=late, purpose="periodic")
        await seat.send([kept_back])
        newest = await seat.snapshot()
        still = (await page.tile(seat.session))["still"]
        assert still["sha256"] == sha256(newest).hexdigest()
        assert seat.line is not None
        assert isinstance(await seat.line.take(split(join(lines=[], note=b"", blobs=[late]))), Held)
        assert await page.hear() == {}
        assert page.tiles[seat.session]["still"] == still


async def test_a_face_shown_at_check_in_is_no_still() -> None:
    seat = await House().seat()
    await seat.check_in()
    async with watched(seat.house) as page:
        assert page.tiles[seat.session]["still"] is None


@pytest.mark.parametrize(
    ("every_s", "old_s"),
    [
        pytest.param(10, 60, id="a minute"),
        pytest.param(60, 75, id="the next one is on its way by then"),
        pytest.param(600, 615, id="as seldom as can be"),
    ],
)
async def test_a_still_is_of_now_for_a_minute_or_as_long_as_the_policy_has_none(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, every_s: int, old_s: int
) -> None:
    house, published = seat.house, seat.house.cases.published

    async def seldom(session: ExamSession) -> Published:
        found = await published(session)
        capture = replace(found.policy.capture, snapshot_every_s=every_s)
        return replace(found, policy=replace(found.policy, capture=capture))

    monkeypatch.setattr(house.cases, "published", seldom)
    async with watched(house) as page:
        assert page.tiles[seat.session]["still_old_s"] == old_s


async def test_a_tile_tells_how_often_proctors_interrupted_and_what_the_policy_asks_for(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, published = seat.house, seat.house.cases.published

    async def at_most_two(session: ExamSession) -> Published:
        found = await published(session)
        review = replace(found.policy.review, interruptions_most=2)
        return replace(found, policy=replace(found.policy, review=review))

    monkeypatch.setattr(house.cases, "published", at_most_two)
    async with watched(house) as page:
        assert page.tiles[seat.session]["interrupted"] is None
        await house.act(seat.session, ActKind.MESSAGE)
        seat.tick(5)
        await house.act(seat.session, ActKind.ASK_STILL)
        asked_ms = await ms(seat)
        seat.tick(5)
        await house.act(seat.session, ActKind.MESSAGE)  # beyond the number, and not refused
        told = (await page.tile(seat.session))["interrupted"]
        assert told == {
            "messages": 2,
            "pauses": 0,
            "requests": 1,
            "last_ms": asked_ms + 5000,
            "at_most": 2,
        }


async def test_a_tile_tells_which_rules_are_lifted_now(seat: Seat) -> None:
    house = seat.house
    async with watched(house) as page:
        await house.act(seat.session, ActKind.LIFT_RULE, rule="person-count")
        assert (await page.tile(seat.session))["lifted"] == ["person-count"]
        await house.act(seat.session, ActKind.RESTORE_RULE, rule="person-count")
        assert (await page.tile(seat.session))["lifted"] == []


# --- whose ID check waits ------------------------------------------------------------------------


async def test_who_can_t_begin_before_the_id_check_comes_before_who_works_meanwhile() -> None:
    house = House()
    held, free = await house.seat(policy="closed-book"), await house.seat(learner="Bob")
    await held.check_in()
    await free.begin()
    case = await house.cases.get(held.session)
    assert (case.session.state, case.session.id_check.state) == (State.CHECK_IN, "captured")
    async with watched(house) as page:
        assert page.tiles[held.session]["needs"] == ["id-check"]
        assert page.tiles[free.session]["needs"] == ["id-check-later"]


async def test_an_id_check_that_is_doubted_is_looked_at_now_though_the_exam_goes_on(
    seat: Seat,
) -> None:
    house = seat.house

    def doubted(session: ExamSession, now: datetime) -> ExamSession:
        return replace(session, id_check=replace(session.id_check, doubted_at=now))

    async with watched(house) as page:
        assert (await page.tile(seat.session))["needs"] == ["id-check-later"]
        await house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo")
        assert (await page.tile(seat.session))["needs"] == []
        seat.tick(1)
        await house.cases.change(seat.session, doubted, by="machine")
        tile = await page.tile(seat.session)
        assert (tile["needs"], tile["needs_since_ms"]) == (["id-check"], await ms(seat))


@pytest.mark.parametrize("ahead_s", [-3600, 0, 3600])
async def test_a_still_s_time_is_the_server_s(seat: Seat, ahead_s: int) -> None:
    async with watched(seat.house) as page:
        page.watch.view([seat.session])
        seat.device.at_ms += ahead_s * 1000
        await seat.snapshot()
        assert (await page.tile(seat.session))["still"]["at_ms"] == await ms(seat)
        seat.house.clock.pass_(5)  # five seconds on its way
        taken_ms = await ms(seat) - 4000
        await seat.snapshot()
        assert (await page.tile(seat.session))["still"]["at_ms"] == taken_ms + 0
        seat.device.at_ms -= 120_000  # the clock is set
        await seat.snapshot()
        assert (await page.tile(seat.session))["still"]["at_ms"] == await ms(seat)


# --- who reads slowly ----------------------------------------------------------------------------


async def test_who_reads_slowly_is_told_once_what_is_by_then(seat: Seat) -> None:
    house = seat.house
    async with watched(house) as slow, watched(house, "cy") as quick:
        for watch in (slow, quick):
            watch.watch.view([seat.session])
        await quick.hear()
        for number in range(100):
            await seat.snapshot(after_s=0.1)
            house.wall._found(seat.session, [flag_of(seat, each) for each in range(number + 1)])
            await quick.hear()
        assert slow.watch._owed == {seat.session}
        (tile,) = (await slow.hear())["tiles"]
        assert tile == quick.tiles[seat.session]
        assert slow.watch._owed == set()
        assert await slow.hear() == {}


async def test_who_reads_slowly_is_told_who_is_gone(seat: Seat) -> None:
    async with watched(seat.house) as slow, watched(seat.house, "cy") as quick:
        await seat.house.terminate(seat.session)
        await quick.hear()
        seat.tick(3600)
        assert (await quick.hear())["gone"] == [seat.session]
        told = await slow.hear()
        assert (told["tiles"], told["gone"]) == ([], [seat.session])


async def test_a_quiet_wall_is_told_that_it_is_alive(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(seat.house) as page:
        assert await page.hear() == {}
        monkeypatch.setattr(watch, "QUIET_S", 0)
        told = await page.hear()
        assert (told["tiles"], told["gone"]) == ([], [])


async def test_a_tile_that_can_t_be_made_holds_up_no_other(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = seat.house
    invited = await house.invite("Bob")
    broken, published = await house.cases.get(seat.session), house.cases.published

    async def fails(session: ExamSession) -> Published:
        if session is broken.session:
            raise RuntimeError("a fault of ours")
        return await published(session)

    monkeypatch.setattr(house.cases, "published", fails)
    async with watched(house) as page:
        assert set(page.tiles) == {invited.session}
        assert "tile not made" in caplog.text
        page.watch.view([seat.session])
        assert page.watch.viewed == set()
        monkeypatch.undo()
        await house.act(seat.session, ActKind.PAUSE)
        assert (await page.tile(seat.session))["learner"] == "Ada Lovelace"


async def test_a_tile_that_can_t_be_made_is_tried_again_and_said_once(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = seat.house
    broken, published = await house.cases.get(seat.session), house.cases.published
    tried = []

    async def fails(session: ExamSession) -> Published:
        if session is broken.session:
            tried.append(house.clock.now())
            raise RuntimeError("a fault of ours")
        return await published(session)

    monkeypatch.setattr(house.cases, "published", fails)
    async with watched(house) as page:
        for _ in range(400):
            house.clock.pass_(0.5)
            assert await page.hear() == {}
        waited = [int((b - a).total_seconds()) for a, b in pairwise(tried)]
        assert waited == [1, 2, 4, 8, 16, 32, 60, 60]
        assert caplog.text.count("tile not made") == 1
        monkeypatch.undo()
        house.clock.pass_(walls.AGAIN_WITHIN.total_seconds())
        # Nothing has changed; it is made all the same, and not again.
        (tile,) = (await page.hear())["tiles"]
        assert (tile["session"], tile["learner"]) == (seat.session, "Ada Lovelace")
        house.clock.pass_(walls.AGAIN_WITHIN.total_seconds())
        assert await page.hear() == {}


async def test_who_has_ended_has_no_picture(seat: Seat) -> None:
    house = seat.house
    await seat.snapshot()
    async with watched(house) as page:
        page.watch.view([seat.session])
        assert (await page.tile(seat.session))["still"]["device"] == "d_test"
        await house.terminate(seat.session)
        told = await page.hear()
        assert [each["still"] for each in told["tiles"]] == [None]
        async with watched(house, "cy") as other:
            assert other.tiles[seat.session]["still"] is None
    async with watched(house) as late:
        late.watch.view([seat.session])
        assert (await late.tile(seat.session))["still"] is None


# --- flags, and who looks ------------------------------------------------------------------------


async def test_what_was_flagged_needs_someone_until_somebody_looks(seat: Seat) -> None:
    house = seat.house
    async with watched(house) as page, watched(house, "cy") as other:
        seat.tick(1)
        first_ms = await ms(seat)
        house.wall._found(seat.session, [flag_of(seat), flag_of(seat, 9, FlagClass.QUALITY)])
        tile = await page.tile(seat.session)
        assert tile["flagged"] == {"rule": "person-count", "value": 2}
        assert (tile["conduct"], tile["needs"]) == (1, ["conduct", "id-check-later"])
        house.wall._found(seat.session, [flag_of(seat)])  # found again
        other.watch.look(seat.session)
        tile = await page.tile(seat.session)
        assert (tile["conduct"], tile["needs"], tile["looking"]) == (1, ["id-check-later"], ["cy"])
        page.watch.look(seat.session)
        seat.tick(1)
        house.wall._found(seat.session, [flag_of(seat), flag_of(seat, 2)])
        tile = await page.tile(seat.session)
        assert (tile["conduct"], tile["needs"]) == (2, ["id-check-later"])  # before their eyes
        assert tile["looking"] == ["bo", "cy"]
        other.watch.look(None)
        page.watch.look("s_nobody")
        seat.tick(1)
        newest = [flag_of(seat, each) for each in (1, 2, 3)]
        house.wall._found(seat.session, newest)
        tile = await page.tile(seat.session)
        assert (tile["conduct"], tile["needs"], tile["looking"]) == (
            3,
            ["conduct", "id-check-later"],
            [],
        )
        assert first_ms < await ms(seat)


async def test_a_tile_says_what_was_flagged_last_of_what_nobody_has_seen(seat: Seat) -> None:
    house = seat.house
    people, away = flag_of(seat), replace(flag_of(seat, 2), when="left-page", value=20)
    async with watched(house) as page:
        seat.tick(1)
        late = replace(flag_of(seat, 3), value=3)
        for found, told in (
            ([people], ("person-count", 2)),
            ([replace(people, value=4)], ("person-count", 4)),
            ([people, late], ("person-count", 3)),
        ):
            house.wall._found(seat.session, found)
            flagged = (await page.tile(seat.session))["flagged"]
            assert (flagged["rule"], flagged["value"]) == told
        page.watch.look(seat.session)
        page.watch.look(None)
        house.wall._found(seat.session, [people, late, away])  # of earlier, and found later
        assert (await page.tile(seat.session))["flagged"] == {"rule": "left-page", "value": 20}
        house.wall._found(seat.session, [])  # its rule was lifted
        assert (await page.tile(seat.session))["flagged"] is None


async def test_the_machine_s_flags_come_to_the_wall(seat: Seat) -> None:
    async with watched(seat.house) as page:
        for _ in range(8):
            await seat.snapshot(b"two", after_s=2)
        await seat.house.analysed(seat.session)
        assert (await page.tile(seat.session))["conduct"] == 1


async def test_flags_of_a_session_on_no_wall_are_nobody_s(seat: Seat) -> None:
    seat.house.wall._found("s_other", [flag_of(seat)])
    seat.house.wall._line_changed("s_other")
    async with watched(seat.house) as page:
        assert set(page.tiles) == {seat.session}


# --- the story of the session that is open --------------------------------------------------------


async def story_of(seat: Seat) -> timeline.Story:
    case = await seat.house.cases.get(seat.session)
    published = await seat.house.cases.published(case.session)
    return await timeline.story(seat.house.store, case.session, published)


async def test_the_story_has_what_was_said_in_full_and_what_of_it_waits(seat: Seat) -> None:
    long = "May I use " + "x" * 1990
    for text in (long, "a ruler?"):
        seat.tick(1)
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text=text)])
    told = await story_of(seat)
    assert [(each.text, each.waits) for each in told.messages] == [(long, True), ("a ruler?", True)]
    seat.tick(1)
    await seat.house.act(seat.session, ActKind.ANSWER, note="Both.", code="")
    seat.tick(1)
    await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=True)])
    told = await story_of(seat)
    assert [(each.topic, each.waits) for each in told.messages] == [
        ("question", False),
        ("question", False),
        ("hand", True),
    ]
    assert [each.at_ms for each in told.messages][2] == await ms(seat)
    seat.tick(1)
    await seat.send([seat.add(Kind.MESSAGE, topic="hand", raised=False)])
    assert [each.waits for each in (await story_of(seat)).messages] == [False] * 4


async def test_a_message_for_nobody_waits_for_no_answer(seat: Seat) -> None:
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])
    seat.tick(1)
    await seat.send([seat.add(Kind.MESSAGE, topic="weather", text="rain")])
    told = (await story_of(seat)).messages
    assert [(each.text, each.waits) for each in told] == [("one", True), ("rain", False)]


async def test_the_story_parses_what_it_tells_and_no_other_record(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for response in ("1/6", "1/5"):
        await seat.answer("part-a", "two-dice", response)
    await seat.send([seat.add(Kind.MESSAGE, topic="question", text="one")])
    parsed = []

    def counted(line: bytes) -> Record:
        parsed.append(record := parse(line))
        return record

    monkeypatch.setattr(device_time, "parse", counted)
    assert [each.text for each in (await story_of(seat)).messages] == ["one"]
    assert [each.kind for each in parsed] == [Kind.MESSAGE]


async def test_the_story_has_flags_with_a_picture_and_gaps(seat: Seat) -> None:
    began_ms = await ms(seat)
    pictures = [await seat.snapshot(b"two", after_s=2) for _ in range(8)]
    from_ms = seat.device.at_ms
    seat.tick(20)
    gap = seat.add(Kind.GAP, of="capture", cause="camera", from_ms=from_ms, to_ms=from_ms + 20_000)
    await seat.send([gap])
    await seat.house.analysed(seat.session)
    told = await story_of(seat)
    flag = next(each for each in told.flags if each.flag_class == "conduct")
    assert (flag.flag.split(".")[0], flag.value, flag.threshold) == ("person-count", 2, 1)
    assert flag.snapshot_count > 1
    (still,) = flag.snapshots
    assert still.sha256 in {sha256(picture).hexdigest() for picture in pictures}
    (missed,) = told.gaps
    assert (missed.of, missed.cause, missed.to_ms - missed.from_ms) == ("capture", "camera", 20_000)
    assert began_ms < flag.started_at_ms < missed.from_ms
    assert not told.cut


async def test_the_story_has_all_acts_and_of_the_rest_the_newest(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        await seat.house.act(seat.session, ActKind.MESSAGE, note=f"mind {number}", code="")
    for number in range(4):
        await seat.send([seat.add(Kind.MESSAGE, topic="question", text=f"what {number}?")])
    assert not (await story_of(seat)).cut
    monkeypatch.setattr(timeline, "MOST_OF_STORY", 3)
    told = await story_of(seat)
    assert [each.note for each in told.acts] == [f"mind {number}" for number in range(60)]
    assert [each.text for each in told.messages] == ["what 1?", "what 2?", "what 3?"]
    assert told.cut


# --- taken and released --------------------------------------------------------------------------


async def test_a_session_is_one_proctor_s_at_a_time_and_both_are_told(seat: Seat) -> None:
    house = seat.house
    async with watched(house) as page, watched(house, "cy") as other:
        page.watch.take([seat.session, "s_nobody"])
        assert (await other.tile(seat.session))["taken_by"] == "bo"
        other.watch.release([seat.session])  # not theirs
        assert await other.hear() == {}
        other.watch.take([seat.session])
        assert (await page.tile(seat.session))["taken_by"] == "cy"
        page.watch.release([seat.session])
        assert await page.hear() == {}
        other.watch.release([seat.session])
        assert (await page.tile(seat.session))["taken_by"] is None


@pytest.mark.parametrize(
    ("away_s", "taken_by"),
    [pytest.param(299, "bo", id="soon back"), pytest.param(300, None, id="away for long")],
)
@pytest.mark.parametrize("watched_by", ["cy", ""])
async def test_who_is_away_for_long_has_taken_nothing(
    seat: Seat, away_s: float, taken_by: str | None, watched_by: str
) -> None:
    async with AsyncExitStack() as stack:
        if watched_by:
            await stack.enter_async_context(watched(seat.house, watched_by))
        async with watched(seat.house) as page, watched(seat.house):
            page.watch.take([seat.session])
        seat.house.clock.pass_(away_s)
        async with watched(seat.house) as page:
            await page.hear()
            assert page.tiles[seat.session]["taken_by"] == taken_by


async def test_one_of_two_walls_that_closes_gives_nothing_away(seat: Seat) -> None:
    async with watched(seat.house) as page:
        async with watched(seat.house) as other:
            other.watch.take([seat.session])
        seat.house.clock.pass_(3600)
        assert (await page.tile(seat.session))["taken_by"] == "bo"


# --- what is shown, and for how long -------------------------------------------------------------


async def test_who_has_ended_is_shown_for_an_hour(seat: Seat) -> None:
    house = seat.house
    async with watched(house) as page:
        page.watch.take([seat.session])
        await seat.send([seat.add(Kind.MESSAGE, topic="fault", text="It hangs")])
        await house.terminate(seat.session)
        tile = await page.tile(seat.session)
        assert (tile["state"], tile["section"], tile["ends_at_ms"]) == ("terminated", "", None)
        assert (tile["needs"], tile["needs_since_ms"], tile["help"]) == ([], None, None)
        seat.tick(3599)
        assert await page.hear() == {}
        seat.tick(1)
        assert (await page.hear())["gone"] == [seat.session]
        assert page.tiles == {}
        house.wall.see(await house.cases.get(seat.session))  # a verdict, days later
        assert await page.hear() == {}
    assert house.wall._places == {}
    assert house.wall._taken == {}


async def test_what_ended_is_let_go_though_nobody_watches(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = seat.house
    monkeypatch.setattr(walls, "FIND_EVERY_S", 0)
    await house.terminate(seat.session)
    seat.tick(3600)
    running = asyncio.ensure_future(house.wall.run())
    try:
        for _ in range(9):
            await asyncio.sleep(0)
        assert house.wall._places == {}
        assert house.wall._changed == set()
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_after_a_restart_who_ended_lately_is_shown(seat: Seat) -> None:
    await seat.house.terminate(seat.session)
    again = House(seat.house.store, seat.house.clock)
    await again.waits.after_restart()
    async with watched(again) as page:
        assert page.tiles[seat.session]["state"] == "terminated"


async def test_a_wall_of_one_exam_is_told_of_no_other(seat: Seat) -> None:
    house = seat.house
    case = await house.cases.get(seat.session)
    other = replace(case, session=replace(case.session, id="s_other", exam="other"))
    house.wall.see(other)
    async with watched(house, exam="short") as page, watched(house, "cy") as everybody:
        assert set(page.tiles) == {seat.session}
        assert set(everybody.tiles) == {seat.session, "s_other"}
        page.watch.view(["s_other"])
        everybody.watch.take(["s_other"])
        assert await page.hear() == {}
        ended = replace(
            other.session, state=State.TERMINATED, closed_at=house.clock.now() - timedelta(hours=1)
        )
        house.wall.see(replace(other, session=ended, version=other.version + 1))
        reading = asyncio.ensure_future(page.watch.news())
        assert (await everybody.hear())["gone"] == ["s_other"]
        assert not reading.done()
        reading.cancel()


async def test_a_wall_of_an_exam_that_is_not_there_can_t_be_opened(seat: Seat) -> None:
    with pytest.raises(NotFound):
        async with watched(seat.house, exam="nowhere"):
            pass


async def test_a_turn_that_fails_is_followed_by_the_next(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house, wall = seat.house, seat.house.wall
    monkeypatch.setattr(walls, "TELL_EVERY_S", 0)
    monkeypatch.setattr(walls, "FIND_EVERY_S", 0)

    async def fails() -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as broken:
        running = asyncio.ensure_future(wall.run())
        await asyncio.sleep(0)  # nobody watches
        async with watched(house) as page:
            broken.setattr(wall, "turn", fails)
            broken.setattr(wall, "_find", fails)
            for _ in range(9):
                await asyncio.sleep(0)
            assert "walls not told" in caplog.text
            assert "sessions not looked for" in caplog.text
            broken.undo()
            monkeypatch.setattr(walls, "TELL_EVERY_S", 0)
            monkeypatch.setattr(walls, "FIND_EVERY_S", 0)
            page.watch.take([seat.session])
            assert '"taken_by":"bo"' in await page.watch.news()
        running.cancel()
        await asyncio.wait({running})

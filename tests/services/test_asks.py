"""A learner who can't be seen is asked at once, and never held to it."""

import json
from datetime import timedelta

import pytest

from proctor.domain.flags import FlagClass
from proctor.domain.identity import IdEvent
from proctor.evidence.record import Kind
from proctor.services import analysis as analysing
from proctor.services.ports import Case
from proctor.services.views import QualityAskView, view
from tests.device import JPEG
from tests.memory_store import Fault
from tests.services.house import House, Seat


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    # Flags are looked for much later: what is told before was told at once.
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 3600)


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    await looked(seat)
    return seat


async def looked(seat: Seat) -> None:
    """Look at what is queued, and raise no flags."""
    analysis = seat.house.analysis
    for lane in analysis._lanes:
        while lane.waiting:
            snapshot = await lane.get()
            await analysis._observe(snapshot)
            analysis._under_way.pop(snapshot.session, None)


async def asks(seat: Seat) -> list[QualityAskView]:
    session = (await seat.house.cases.get(seat.session)).session
    published = await seat.house.cases.published(session)
    return view(session, published, now=seat.house.clock.now(), held_before=0).asks


async def take(seat: Seat, *seen: bytes) -> None:
    for each in seen:
        await seat.snapshot(each)
        await looked(seat)


async def test_with_the_second_covered_snapshot_the_learner_is_asked_and_everyone_told(
    seat: Seat,
) -> None:
    told: list[Case] = []
    with seat.house.cases.watching(seat.session, told.append):
        await take(seat, b"", b"covered")
        assert told == []
        since = seat.house.clock.now()
        await take(seat, b"covered")
        assert [ask.kind for ask in told[-1].session.asks] == ["covered"]
        (ask,) = await asks(seat)
        assert (ask.kind, ask.until_ms, ask.seconds) == ("covered", None, 1.0)
        assert ask.since_ms == int(since.timestamp() * 1000)
        await take(seat, b"covered", b"covered", b"")
        assert len(told) == 1
        (ask,) = await asks(seat)
        assert (ask.until_ms, ask.seconds) == (None, 4.0)
        await take(seat, b"")
        assert len(told) == 2
        (ask,) = await asks(seat)
        assert ask.until_ms == ask.since_ms + 4000
        assert ask.seconds == 4.0


async def test_asks_stand_in_the_timeline_and_neither_in_the_log_nor_among_conduct(
    seat: Seat,
) -> None:
    before = await seat.house.store.server_lines(seat.session)
    await take(seat, b"covered", b"covered", b"", b"")
    assert await seat.house.store.server_lines(seat.session) == before
    shown = await seat.house.reviews.timeline(seat.session, me="bo")
    assert [(ask.kind, ask.seconds) for ask in shown.session.asks] == [("covered", 2.0)]
    (row,) = (await seat.house.reviews.queue(None, me="bo")).reviews
    assert (row.conduct, row.severity) == (0, 0.0)


async def test_flags_that_are_looked_for_later_say_the_same(seat: Seat) -> None:
    await take(seat, *[b"covered"] * 4, b"", b"")
    told = await asks(seat)
    await seat.house.analysis.evaluate(seat.session)
    assert await asks(seat) == told
    (flag,) = await seat.house.store.flags(seat.session)
    assert (flag.when, flag.flag_class) == ("covered", FlagClass.QUALITY)
    lines = await seat.house.store.server_lines(seat.session)
    assert "asks" not in {key for line in lines for key in json.loads(line)}


async def test_an_ask_that_a_full_disk_kept_back_comes_with_the_flags(seat: Seat) -> None:
    await take(seat, b"covered")
    await seat.snapshot(b"covered")
    store = seat.house.store
    observe = store.observe

    async def then_full(*given: object) -> None:
        await observe(*given)  # type: ignore[arg-type]
        store.next_fault = Fault.FULL

    store.observe = then_full  # type: ignore[method-assign, assignment]
    await looked(seat)
    assert await asks(seat) == []
    await seat.house.analysis.evaluate(seat.session)
    assert [ask.kind for ask in await asks(seat)] == ["covered"]


async def test_an_ask_ends_with_its_section_and_with_the_session(seat: Seat) -> None:
    await take(seat, b"covered", b"covered")
    seat.tick(8)
    await seat.house.sessions.close_section(seat.session, "part-a")
    seat.tick(60)
    (ask,) = await asks(seat)
    assert (ask.until_ms, ask.seconds) == (ask.since_ms + 9000, 9.0)


async def test_with_no_device_in_contact_nobody_is_asked_for_longer(seat: Seat) -> None:
    await take(seat, b"covered", b"covered")
    lost_at = seat.house.clock.now() + timedelta(seconds=1)
    seat.tick(60)
    await seat.house.cases.contact_lost(seat.session, at=lost_at)
    (ask,) = await asks(seat)
    assert ask.seconds == 2.0


async def test_pictures_that_show_a_face_or_a_document_ask_for_nothing(seat: Seat) -> None:
    for number in range(3):
        seat.tick(1)
        picture = b"%dcovered" % number
        line = seat.add(Kind.SNAPSHOT, blob=picture, purpose="face")
        await seat.send([line], [picture])
    await looked(seat)
    assert await asks(seat) == []


async def test_who_shows_no_face_at_check_in_is_told_and_may_go_on() -> None:
    seat = await House().seat(policy="closed-book")
    await seat.send([seat.device.hello()])

    async def show(seen: bytes) -> list[QualityAskView]:
        seat.tick(1)
        face = JPEG + seen
        await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")], [face])
        await looked(seat)
        await seat.house.analysis.evaluate(seat.session)
        return await asks(seat)

    assert await show(b"one face") == []
    told: list[Case] = []
    with seat.house.cases.watching(seat.session, told.append):
        (ask,) = await show(b"covered")
    assert (ask.kind, ask.until_ms) == ("no-face", None)
    assert [each.kind for each in told[-1].session.asks] == ["no-face"]
    assert await show(b"one face again") == []
    await show(b"still covered")
    seat.tick(1)
    document = JPEG + b"document"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=document, purpose="document")], [document])
    case = await seat.house.identity.check_in(seat.session, "d_test")
    assert case.session.id_check.state == "captured"  # nobody is refused for it
    (ask,) = await asks(seat)
    assert ask.until_ms is not None
    await seat.house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo")
    await seat.house.analysis.evaluate(seat.session)
    assert await asks(seat) == []
    assert await seat.house.store.flags(seat.session) == []

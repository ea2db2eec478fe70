import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.domain.acts import ActKind
from proctor.domain.errors import Refusal
from proctor.domain.identity import IdEvent
from proctor.domain.review import Outcome
from proctor.evidence.errors import EvidenceError, Fork
from proctor.evidence.record import SERVER_KINDS, Kind
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.evidence.verify import verify
from proctor.services import analysis as analysing
from proctor.services.journal import Entry
from proctor.services.ports import NotFound
from tests.device import JPEG, Log
from tests.services.house import House, Seat


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


async def bundle(seat: Seat) -> bytes:
    return b"".join([part async for part in seat.house.export.bundle(seat.session)])


async def verified(seat: Seat) -> list[str]:
    """Verify a bundle, and return what each step says."""
    report = verify(await bundle(seat), server_key=seat.house.key.verifier)
    assert report.holds, [step for step in report.steps if not step.held]
    return [step.detail for step in report.steps]


async def test_a_session_that_goes_on_can_be_exported(seat: Seat) -> None:
    await seat.snapshot()
    details = await verified(seat)
    assert "3 held, 0 erased, 0 never arrived" in details


async def test_a_whole_session_with_acts_flags_and_verdicts_verifies(seat: Seat) -> None:
    house = seat.house
    for _ in range(4):
        await seat.snapshot(b"two")
    await house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo", reason="")
    await house.act(seat.session, ActKind.PAUSE, note="alarm: ü, 你好, \U0001f525")
    seat.tick(100)
    await house.act(seat.session, ActKind.RESUME, note="a drill")
    case = await house.cases.get(seat.session)
    await seat.send([seat.add(Kind.BEAT, size=case.log.size, root=case.log.root().hex())])
    await seat.answer("part-a", "two-dice", "c")
    await seat.hand_in()
    await house.analysed(seat.session)
    for by, told in (("di", 0), ("cy", 2)):
        flags = await house.judged(seat.session)
        await house.reviews.decide(
            seat.session, by=by, outcome=Outcome.BREACH, reasons="helped", flags=flags
        )
        details = await verified(seat)
        # Until it is decided nobody reads in the log what one of them said.
        assert f"1 flags, {told} verdicts, all on records in the bundle" in details


async def test_a_session_that_nobody_joined_can_be_exported() -> None:
    house = House()
    await house.publish()
    invited = await house.invite()
    parts = [part async for part in house.export.bundle(invited.session)]
    assert verify(b"".join(parts), server_key=house.key.verifier).holds


async def test_a_device_that_never_said_a_word_can_be_exported() -> None:
    await verified(await House().seat())


async def test_pictures_that_never_came_are_said_to_be_missing(seat: Seat) -> None:
    await seat.send([seat.add(Kind.SNAPSHOT, blob=JPEG + b"lost", purpose="periodic")])
    assert "2 held, 0 erased, 1 never arrived" in await verified(seat)


async def test_pictures_that_were_erased_are_said_to_be_and_the_rest_verifies(
    seat: Seat,
) -> None:
    await seat.snapshot()
    digests = sorted(await seat.house.store.held(seat.session))[:2]
    await seat.house.store.erase(seat.session, digests)
    entry = Entry(Kind.ERASED, {"sha256": digests, "why": "retention"})
    await seat.house.cases.change(seat.session, lambda s, _now: s, by="clock", also=[entry])
    assert "1 held, 2 erased, 0 never arrived" in await verified(seat)


async def test_one_picture_named_twice_is_packed_once(seat: Seat) -> None:
    for _ in range(2):
        seat.tick(1)
        await seat.send([seat.add(Kind.SNAPSHOT, blob=JPEG, purpose="periodic")], [JPEG])
    assert "3 held, 0 erased, 0 never arrived" in await verified(seat)


async def test_a_fork_is_in_the_bundle_and_it_verifies(seat: Seat) -> None:
    size = seat.device.log.frontier.size
    await seat.answer("part-a", "two-dice", "a")
    honest = seat.device.log
    kept = honest.lines[:size]
    seat.device.log = Log(list(kept), Frontier().extended(map(leaf_hash, kept)))
    with pytest.raises(Fork):
        await seat.answer("part-a", "two-dice", "b")
    seat.device.log = honest
    await verified(seat)


async def test_an_unknown_session_is_not_found_before_a_byte_is_sent() -> None:
    with pytest.raises(NotFound):
        await anext(House().export.bundle("s_none"))


async def test_a_bundle_names_server_exam_and_learner(seat: Seat) -> None:
    assert b"Ada Lovelace" in await bundle(seat)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 7, 2**53 - 1, 1.5, "", "x", "\n", "../..", "\x00", [], {}, [[1]], {"a": {}}]
)
FACTS = st.dictionaries(
    st.sampled_from(
        [
            "purpose",
            "section",
            "item",
            "response",
            "away_to",
            "from_ms",
            "to_ms",
            "cause",
            "of",
            "size",
            "root",
            "answers",
            "notice",
            "displays",
            "program",
            "key",
            "text",
        ]
    ),
    ODD,
)
KINDS = st.sampled_from(
    [kind for kind in Kind if kind not in SERVER_KINDS and kind is not Kind.HELLO]
)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(KINDS, FACTS, st.sampled_from([None, JPEG, b"", b"x"]), st.booleans()),
        max_size=8,
    )
)
def test_whatever_a_device_writes_is_refused_or_the_bundle_with_it_verifies(
    written: list[tuple[Kind, dict[str, Any], bytes | None, bool]],
) -> None:
    """Else a learner could spoil the evidence with one record, and nobody would notice in time."""

    async def play() -> None:
        seat = await House().seat()
        await seat.begin()
        for kind, facts, blob, comes_along in written:
            seat.tick(1)
            before = seat.device.log
            seat.device.log = Log(list(before.lines), before.frontier)
            line = seat.add(kind, blob=blob, **facts)
            try:
                await seat.send([line], [blob] if blob is not None and comes_along else [])
            except (EvidenceError, Refusal):
                seat.device.log = before
        await seat.house.analysed(seat.session)
        await verified(seat)
        await seat.house.reviews.timeline(seat.session, me="bo")
        await seat.house.results.result(seat.session)

    asyncio.run(play())

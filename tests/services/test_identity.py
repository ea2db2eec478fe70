from dataclasses import replace
from datetime import datetime

import pytest

from proctor.domain.identity import (
    AgainCode,
    Checked,
    CheckKind,
    IdEvent,
    IdReasonMissing,
    IdState,
    with_checks,
)
from proctor.domain.moves import IllegalMove
from proctor.domain.review import AnotherPersonNeeded
from proctor.domain.session import ExamSession, State
from proctor.evidence.record import Kind, Record, parse
from proctor.services import id_pictures, identity
from proctor.services.cases import Cases
from proctor.services.id_pictures import Shown
from proctor.services.identity import CheckInIncomplete
from proctor.services.journal import milliseconds
from proctor.services.ports import Case, Store
from proctor.services.views import view
from tests.device import JPEG
from tests.services.house import House, Seat


async def seated(policy: str = "demo") -> Seat:
    return await House().seat(policy=policy)


async def checked_in(seat: Seat) -> Case:
    return await seat.house.identity.check_in(seat.session, "d_test")


async def decided(seat: Seat, event: IdEvent, reason: str = "", *, by: str = "bo") -> Case:
    return await seat.house.identity.decide(seat.session, event, by=by, reason=reason)


async def id_records(seat: Seat) -> list[Record]:
    lines = await seat.house.store.server_lines(seat.session)
    return [each for each in map(parse, lines) if each.kind is Kind.ID_CHECK]


async def test_check_in_names_what_is_missing() -> None:
    seat = await seated()
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)
    assert refused.value.missing == ["hello", "face", "document"]
    await seat.send([seat.device.hello()])
    face = JPEG + b"face"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")], [face])
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)
    assert refused.value.missing == ["document"]
    case = await seat.house.store.case(seat.session)
    assert case.session.id_check.state is IdState.AWAITED


async def test_a_snapshot_without_a_picture_shows_nobody() -> None:
    seat = await seated()
    lines = [seat.device.hello()]
    lines += [seat.add(Kind.SNAPSHOT, purpose=purpose) for purpose in ("face", "document")]
    await seat.send(lines)
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)
    assert refused.value.missing == ["face", "document"]


async def test_without_a_hold_the_session_is_ready_and_a_person_decides_meanwhile() -> None:
    seat = await seated()
    await seat.check_in()
    case = await seat.house.store.case(seat.session)
    assert (case.session.state, case.session.id_check.state) == (State.READY, IdState.CAPTURED)
    await seat.house.sessions.open_section(seat.session, "part-a")
    accepted = await decided(seat, IdEvent.ACCEPT)
    assert accepted.session.state is State.RUNNING
    assert accepted.session.id_check.by == "bo"


async def test_with_a_hold_the_session_waits_for_a_person() -> None:
    seat = await seated("closed-book")
    await seat.check_in()
    case = await seat.house.store.case(seat.session)
    assert case.session.state is State.CHECK_IN
    with pytest.raises(IllegalMove):
        await seat.house.sessions.open_section(seat.session, "part-a")
    assert (await decided(seat, IdEvent.ACCEPT)).session.state is State.READY


async def test_checking_in_again_changes_nothing() -> None:
    seat = await seated()
    await seat.check_in()
    before = await seat.house.store.case(seat.session)
    assert await checked_in(seat) == before


async def test_a_retake_needs_new_pictures_of_both() -> None:
    seat = await seated("closed-book")
    await seat.check_in()
    seat.tick(5)
    asked = await decided(seat, IdEvent.ASK_AGAIN, "the card is blurred")
    assert asked.session.id_check.reason == "the card is blurred"
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)
    assert refused.value.missing == ["face", "document"]
    seat.tick(5)
    document = JPEG + b"sharper"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=document, purpose="document")], [document])
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)
    assert refused.value.missing == ["face"]
    await seat.show_papers()
    case = await checked_in(seat)
    assert case.session.id_check.state is IdState.CAPTURED
    assert (await decided(seat, IdEvent.ACCEPT)).session.state is State.READY


async def test_what_a_machine_says_late_of_the_pictures_before_asks_for_nothing() -> None:
    seat = await seated()
    await seat.send([seat.device.hello()])
    await seat.show_papers()
    await checked_in(seat)
    await decided(seat, IdEvent.ASK_AGAIN, "blurred")
    seat.tick(1)
    await seat.show_papers(document=b"another")
    made = [Checked(check=CheckKind.DIGITS, result="differs")]

    def late(session: ExamSession, _now: datetime) -> ExamSession:
        return replace(session, id_check=with_checks(session.id_check, made))

    await seat.house.cases.change(seat.session, late, by="clock")
    assert (await checked_in(seat)).session.id_check.state is IdState.CAPTURED


async def test_a_second_retake_needs_pictures_newer_than_the_first() -> None:
    seat = await seated()
    await seat.begin()
    for n in range(2):
        seat.tick(1)
        await decided(seat, IdEvent.ASK_AGAIN, f"again {n}")
        seat.tick(1)
        with pytest.raises(CheckInIncomplete):
            await checked_in(seat)
        await seat.show_papers()
        case = await checked_in(seat)
        # The exam goes on meanwhile.
        assert case.session.state is State.RUNNING
        assert case.session.id_check.state is IdState.CAPTURED


async def test_a_refusal_needs_a_reason_and_can_be_mended() -> None:
    seat = await seated("closed-book")
    await seat.check_in()
    for event in (IdEvent.REFUSE, IdEvent.ASK_AGAIN):
        with pytest.raises(IdReasonMissing):
            await decided(seat, event, " ")
    proposed = await decided(seat, IdEvent.REFUSE, "another person")
    assert proposed.session.id_check.state is IdState.REFUSAL_PROPOSED
    with pytest.raises(AnotherPersonNeeded):
        await decided(seat, IdEvent.REFUSE, "I am sure")
    refused = await decided(seat, IdEvent.REFUSE, "not the portrait's face", by="cy")
    assert refused.session.state is State.CHECK_IN
    assert refused.session.id_check.state is IdState.REFUSED
    with pytest.raises(IdReasonMissing):
        await decided(seat, IdEvent.ACCEPT)
    accepted = await decided(seat, IdEvent.ACCEPT, "a newer portrait was sent")
    assert accepted.session.state is State.READY
    told = [
        {key: record.facts.get(key) for key in ("state", "by", "reason")}
        for record in await id_records(seat)
    ]
    assert told == [
        {"state": "captured", "by": "learner", "reason": ""},
        {"state": "refusal-proposed", "by": "bo", "reason": "another person"},
        {"state": "refused", "by": "cy", "reason": "not the portrait's face"},
        {"state": "accepted", "by": "bo", "reason": "a newer portrait was sent"},
    ]


async def test_there_is_nothing_to_decide_before_the_pictures() -> None:
    seat = await seated()
    with pytest.raises(IllegalMove):
        await decided(seat, IdEvent.ACCEPT)


async def test_a_held_check_in_is_told_how_many_wait_before_it_and_since_when() -> None:
    house = House()
    first, second = [await house.seat(policy="closed-book") for _ in range(2)]

    async def told(seat: Seat) -> tuple[int | None, int | None]:
        case = await house.cases.get(seat.session)
        published = await house.cases.published(case.session)
        before = house.cases.held_before(case.session)
        shown = view(case.session, published, now=house.clock.now(), held_before=before).id_check
        return shown.held_since_ms, shown.held_before

    assert await told(first) == (None, None)
    await first.check_in()
    began_ms = milliseconds(house.clock.now())
    house.clock.pass_(60)
    await second.check_in()

    assert await told(first) == (began_ms, 0)
    assert await told(second) == (began_ms + 60_000, 1)
    # As after a restart, where all sessions that are not over are read.
    again = Cases(house.store, house.clock)
    for seat in (first, second):
        await again.get(seat.session)
    assert again.held_before((await again.get(second.session)).session) == 1
    await decided(first, IdEvent.ASK_AGAIN, "blurred")
    assert await told(first) == (None, None)
    assert await told(second) == (began_ms + 60_000, 0)


async def test_a_code_is_logged_and_the_learner_reads_its_words() -> None:
    seat = await seated("closed-book")
    await seat.check_in()
    seat.tick(5)
    case = await seat.house.identity.decide(
        seat.session, IdEvent.ASK_AGAIN, by="bo", code=AgainCode.GLARE
    )
    published = await seat.house.cases.published(case.session)
    shown = view(case.session, published, now=seat.house.clock.now(), held_before=0).id_check
    assert shown.reason.startswith("Light is reflected")
    assert shown.assurance == ("New pictures were asked for by bo (person)",)
    checks = (Checked(check=CheckKind.ONE_FACE, result="differs"),)
    doubted = replace(case.session, id_check=replace(case.session.id_check, checks=checks))
    for staff in (False, True):
        now = seat.house.clock.now()
        told = view(doubted, published, now=now, held_before=0, staff=staff).id_check.assurance
        assert ("account" in str(told)) == staff  # the learner reads of no other account
    (_, asked) = await id_records(seat)
    assert (asked.facts["code"], asked.facts["reason"]) == ("glare", "")


async def test_who_has_no_document_is_vouched_for_and_may_begin() -> None:
    seat = await seated("closed-book")
    await seat.send([seat.device.hello()])
    with pytest.raises(IdReasonMissing):
        await decided(seat, IdEvent.VOUCH)
    case = await decided(seat, IdEvent.VOUCH, "in my course for two years")
    assert (case.session.state, case.session.id_check.vouched) == (State.READY, True)
    (told,) = await id_records(seat)
    assert told.facts == {
        "state": "accepted",
        "by": "bo",
        "reason": "in my course for two years",
        "vouched": True,
    }


async def test_nobody_is_vouched_for_before_they_have_joined() -> None:
    house = House()
    await house.publish("closed-book")
    invited = await house.invite()
    with pytest.raises(IllegalMove):
        await house.identity.decide(invited.session, IdEvent.VOUCH, by="bo", reason="mine")


async def test_a_capture_that_comes_while_a_decision_is_made_is_not_decided_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seat = await seated("closed-book")
    await seat.check_in()
    seat.tick(1)
    await decided(seat, IdEvent.ASK_AGAIN, "the card is blurred")
    seat.tick(1)
    look = id_pictures.shown

    async def slow(store: Store, session: ExamSession) -> Shown:
        found = await look(store, session)
        await seat.show_papers()
        await checked_in(seat)  # between the look at the pictures and the decision
        return found

    case = await seat.house.cases.get(seat.session)
    seen = (await look(seat.house.store, case.session)).digests
    monkeypatch.setattr(identity, "shown", slow)
    with pytest.raises(identity.IdCheckChanged):
        await seat.house.identity.decide(
            seat.session, IdEvent.VOUCH, by="bo", reason="I know her", seen=seen
        )
    after = await seat.house.cases.get(seat.session)
    assert after.session.id_check.state is IdState.CAPTURED

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from proctor.domain.acts import ActKind
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
from proctor.domain.session import ExamSession, SessionClosed, State
from proctor.evidence.record import Kind, Record, parse
from proctor.services import id_pictures, identity
from proctor.services.cases import Cases
from proctor.services.check_in_face import CheckInFaces
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


# --- new pictures while the exam goes on ----------------------------------------------------------


async def asked_in_mid_section(policy: str = "closed-book") -> Seat:
    """Let a proctor ask for new pictures of a learner who was accepted and is at work."""
    seat = await seated(policy)
    await seat.check_in("ada")
    await decided(seat, IdEvent.ACCEPT, by="lin")
    await seat.house.sessions.open_section(seat.session, "part-a")
    seat.tick(60)
    await seat.house.act(seat.session, ActKind.ASK_ID, note="another person sat there")
    seat.tick(1)
    return seat


async def test_new_pictures_are_shown_and_decided_on_while_the_exam_goes_on() -> None:
    seat = await asked_in_mid_section()
    asked = await seat.house.store.case(seat.session)
    assert (asked.session.state, asked.session.id_check.state) == (State.RUNNING, IdState.RETAKE)
    assert (await seat.house.desks.queue(None)).waiting == ()
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)  # those before do not count
    assert refused.value.missing == ["face", "document"]
    await seat.answer("part-a", "two-dice", "c")
    await seat.show_papers("ada", b"sharper")

    shown = await checked_in(seat)

    assert (shown.session.state, shown.session.id_check.state) == (State.RUNNING, IdState.CAPTURED)
    assert shown.session.sections == asked.session.sections  # no clock stood still for it
    assert shown.session.ledger == ()
    (row,) = (await seat.house.desks.queue(None)).waiting
    assert (row.session, row.hold) == (seat.session, False)
    desk = await seat.house.desks.desk(seat.session, me="bo")
    assert desk.before is not None
    assert (desk.before.state, desk.before.by) == ("accepted", "lin")
    for old, new in ((desk.before.face, desk.face), (desk.before.document, desk.document)):
        assert old is not None
        assert new is not None
        assert old.seq < new.seq
    assert "The pictures before were accepted by lin (person)" in desk.assurance
    assert (await decided(seat, IdEvent.ACCEPT)).session.id_check.by == "bo"
    await seat.hand_in()
    assert [record.facts["state"] for record in await id_records(seat)] == [
        "captured",
        "accepted",
        "retake",
        "captured",
        "accepted",
    ]


async def test_a_pause_and_a_break_take_new_pictures_too() -> None:
    seat = await asked_in_mid_section()
    await seat.house.act(seat.session, ActKind.PAUSE)
    await seat.show_papers("ada", b"sharper")

    shown = await checked_in(seat)

    assert (shown.session.state, shown.session.id_check.state) == (State.PAUSED, IdState.CAPTURED)


async def test_who_sat_down_in_between_is_compared_with_who_was_accepted() -> None:
    seat = await asked_in_mid_section()
    faces = CheckInFaces(seat.house.store)
    before = await faces.of((await seat.house.store.case(seat.session)).session)
    await seat.show_papers("eve", b"sharper")
    await checked_in(seat)

    shown = await faces.of((await seat.house.store.case(seat.session)).session)

    assert before is not None
    assert b"who=ada" in before
    assert shown == before
    await decided(seat, IdEvent.ACCEPT)
    accepted = await faces.of((await seat.house.store.case(seat.session)).session)
    assert accepted is not None
    assert b"who=eve" in accepted


async def face_of(seat: Seat) -> bytes | None:
    session = (await seat.house.store.case(seat.session)).session
    return await CheckInFaces(seat.house.store).of(session)


async def test_who_sat_down_is_compared_with_who_began_though_nobody_had_accepted_them() -> None:
    seat = await seated()  # it holds nobody back
    await seat.check_in("ada")
    await seat.house.sessions.open_section(seat.session, "part-a")
    for sharper in (b"sharper", b"sharper still"):
        seat.tick(1)
        await seat.house.act(seat.session, ActKind.ASK_ID)
        seat.tick(1)
        await seat.show_papers("eve", sharper)
        await checked_in(seat)
        face = await face_of(seat)
        assert face is not None
        assert face.endswith(b"who=ada")

    await decided(seat, IdEvent.ACCEPT)

    face = await face_of(seat)
    assert face is not None
    assert face.endswith(b"who=eve")


async def vouched_and_asked() -> Seat:
    """Vouch for a learner who has shown nothing, and ask for pictures in mid-section."""
    seat = await seated("closed-book")
    await seat.send([seat.device.hello()])
    await decided(seat, IdEvent.VOUCH, "my student")
    await seat.house.sessions.open_section(seat.session, "part-a")
    seat.tick(60)
    await seat.house.act(seat.session, ActKind.ASK_ID)
    seat.tick(1)
    return seat


async def test_of_who_was_vouched_for_the_first_pictures_are_not_what_counted_before() -> None:
    seat = await vouched_and_asked()
    await seat.show_papers("eve")
    desk = await seat.house.desks.desk(seat.session, me="bo")
    assert (desk.face, desk.before) == (None, None)  # on their way: nothing to decide on yet

    await checked_in(seat)

    assert await face_of(seat) is None
    desk = await seat.house.desks.desk(seat.session, me="bo")
    assert desk.face is not None
    assert desk.before is not None
    assert (desk.before.face, desk.before.state) == (None, "accepted")


@pytest.mark.parametrize("event", [IdEvent.ACCEPT, IdEvent.REFUSE])
async def test_pictures_on_their_way_are_not_decided_on_but_staff_may_vouch(
    event: IdEvent,
) -> None:
    seat = await vouched_and_asked()
    await seat.show_papers("eve")
    with pytest.raises(IllegalMove):
        await decided(seat, event, "I see her")

    vouched = await decided(seat, IdEvent.VOUCH, "I sit beside her")

    assert vouched.session.id_check.state is IdState.ACCEPTED


async def test_that_pictures_were_asked_for_of_who_was_vouched_for_is_taken_back() -> None:
    seat = await vouched_and_asked()
    assert (await seat.house.desks.desk(seat.session, me="bo")).may_take_back
    await seat.show_papers("eve")  # on their way, and not what anybody vouched for

    case = await decided(seat, IdEvent.TAKE_BACK, "she is in the room")

    check = case.session.id_check
    assert (check.state, check.vouched, check.taken_back) == (IdState.ACCEPTED, True, True)
    desk = await seat.house.desks.desk(seat.session, me="bo")
    assert (desk.face, desk.before, desk.may_take_back) == (None, None, False)
    assert await face_of(seat) is None
    record = parse((await seat.house.store.server_lines(seat.session))[-1])
    assert record.facts == {
        "state": "accepted",
        "by": "bo",
        "reason": "she is in the room",
        "vouched": True,
        "taken_back": True,
    }
    # The learner's page may still send what it was asked for: nothing waits for it.
    assert (await checked_in(seat)).session.id_check == check


async def test_what_was_asked_for_and_never_shown_waits_for_a_person_after_the_end() -> None:
    seat = await asked_in_mid_section()
    await seat.hand_in()

    (row,) = (await seat.house.desks.queue(None)).waiting
    assert (row.session, row.state) == (seat.session, "retake")
    with pytest.raises(SessionClosed):
        await checked_in(seat)
    with pytest.raises(SessionClosed):
        await decided(seat, IdEvent.ASK_AGAIN, "once more")
    desk = await seat.house.desks.desk(seat.session, me="bo")
    assert not desk.may_ask_again
    assert desk.face is not None  # those before
    accepted = await decided(seat, IdEvent.ACCEPT, "the lamp had gone out")
    assert accepted.session.id_check.state is IdState.ACCEPTED
    assert (await seat.house.desks.queue(None)).waiting == ()


async def test_pictures_that_come_as_the_exam_ends_count_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seat = await asked_in_mid_section()
    await seat.show_papers("ada", b"sharper")
    change = seat.house.cases.change

    async def ended(*args: Any, **more: Any) -> Case:
        monkeypatch.setattr(seat.house.cases, "change", change)
        await seat.hand_in()
        return await change(*args, **more)

    monkeypatch.setattr(seat.house.cases, "change", ended)
    with pytest.raises(SessionClosed):
        await checked_in(seat)


async def test_a_computer_and_a_phone_are_looked_at_before_the_exam_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seat = await asked_in_mid_section()
    await seat.show_papers("ada", b"sharper")
    monkeypatch.setattr(identity, "PHONE", "none")  # as the policy would say it

    def refuses_all(*_: object) -> list[str]:
        raise AssertionError

    monkeypatch.setattr(identity, "system_refusals", refuses_all)
    assert (await checked_in(seat)).session.id_check.state is IdState.CAPTURED


async def test_where_no_document_is_asked_for_the_face_alone_is_shown_again() -> None:
    seat = await seated()
    published = await seat.house.cases.published((await seat.house.cases.get(seat.session)).session)
    none = replace(published.policy.identity, document="none")
    changed = replace(published, policy=replace(published.policy, identity=none))
    seat.house.cases._published[published.exam_sha256 + published.policy_sha256] = changed
    await seat.begin()
    seat.tick(1)
    await seat.house.act(seat.session, ActKind.ASK_ID)
    seat.tick(1)
    with pytest.raises(CheckInIncomplete) as refused:
        await checked_in(seat)
    assert refused.value.missing == ["face"]
    face = JPEG + b"face once more"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")], [face])
    assert (await checked_in(seat)).session.id_check.state is IdState.CAPTURED

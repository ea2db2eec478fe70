from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from pydantic import TypeAdapter

from proctor.domain.assurance import assurance
from proctor.domain.errors import Refusal
from proctor.domain.identity import (
    AGAIN_WORDS,
    CAUSES,
    MOVES,
    AgainCode,
    Checked,
    CheckKind,
    IdCheck,
    IdEvent,
    IdReasonMissing,
    IdState,
    Proposal,
    advance,
    counting,
    learner_reads,
    waits_since,
    with_checks,
)
from proctor.domain.moves import Actor, IllegalMove, NotTheirEvent
from proctor.domain.review import AnotherPersonNeeded

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
SHOWN_AT = NOW - timedelta(minutes=5)
PROPOSAL = Proposal(by="ann", reason="another person", at=NOW - timedelta(minutes=1))
NAME = Checked(check=CheckKind.NAME, result="unsure")


def in_state(state: IdState) -> IdCheck:
    """Return an ID check as it may be found in a state."""
    if state is IdState.AWAITED:
        return IdCheck()
    check = IdCheck(state=state, by="cy", captured_at=SHOWN_AT, checks=(NAME,))
    if state is IdState.REFUSAL_PROPOSED:
        return replace(check, by="ann", proposed=PROPOSAL)
    return check


def decided(check: IdCheck, event: IdEvent, *, by: str = "bo", **more: object) -> IdCheck:
    return advance(check, event, actor=Actor.PROCTOR, by=by, now=NOW, **more)  # type: ignore[arg-type] # a test's own words


@pytest.mark.parametrize(
    ("state", "event", "actor"),
    [
        pytest.param(state, event, actor, id=f"{state}, {event} by {actor}")
        for state, event, actor in product(IdState, IdEvent, Actor)
    ],
)
def test_an_id_check_moves_as_its_tables_say_or_stays_as_it_is(
    state: IdState, event: IdEvent, actor: Actor
) -> None:
    check = in_state(state)
    if event is IdEvent.TAKE_BACK:
        before_it = IdCheck(state=IdState.ACCEPTED, by="lin", vouched=True)
        check = replace(check, captured_at=None, before=before_it)
    before = deepcopy(check)
    after = MOVES[state].get(event)

    if after is not None and actor in CAUSES[event]:
        moved = advance(check, event, actor=actor, by="now", now=NOW, reason="blurred")
        assert (moved.state, moved.by) == (after, "now")
    else:
        with pytest.raises(IllegalMove if actor in CAUSES[event] else NotTheirEvent):
            advance(check, event, actor=actor, by="now", now=NOW, reason="blurred")
    assert check == before


@pytest.mark.parametrize("reason", [pytest.param("", id="empty"), pytest.param(" \n", id="blank")])
@pytest.mark.parametrize("event", [IdEvent.ASK_AGAIN, IdEvent.REFUSE, IdEvent.VOUCH])
def test_what_people_will_ask_about_needs_a_reason(event: IdEvent, reason: str) -> None:
    with pytest.raises(IdReasonMissing) as refused:
        decided(in_state(IdState.CAPTURED), event, reason=reason)

    assert refused.value.code == "id-reason-missing"
    assert refused.value.facts() == {"event": event}


@pytest.mark.parametrize("code", AgainCode)
def test_a_code_says_why_it_is_asked_again_but_other_says_nothing(code: AgainCode) -> None:
    check = in_state(IdState.CAPTURED)
    if code is AgainCode.OTHER:
        with pytest.raises(IdReasonMissing):
            decided(check, IdEvent.ASK_AGAIN, code=code)
        asked = decided(check, IdEvent.ASK_AGAIN, code=code, reason=" The cat sat on it. ")
        assert learner_reads(asked) == "The cat sat on it."
        return
    asked = decided(check, IdEvent.ASK_AGAIN, code=code)
    assert learner_reads(asked) == AGAIN_WORDS[code]
    noted = decided(check, IdEvent.ASK_AGAIN, code=code, reason="It is the lamp.")
    assert learner_reads(noted) == f"{AGAIN_WORDS[code]} It is the lamp."
    assert (noted.code, noted.reason) == (code, "It is the lamp.")


def test_a_reason_without_a_code_is_another_one() -> None:
    asked = decided(in_state(IdState.CAPTURED), IdEvent.ASK_AGAIN, reason="blurred")

    assert (asked.code, learner_reads(asked)) == (AgainCode.OTHER, "blurred")


def test_only_what_is_asked_again_has_a_code() -> None:
    accepted = decided(in_state(IdState.CAPTURED), IdEvent.ACCEPT, code=AgainCode.GLARE)

    assert (accepted.code, learner_reads(accepted)) == (None, "")


def test_what_is_no_setback_needs_no_reason() -> None:
    captured = advance(IdCheck(), IdEvent.CAPTURE, actor=Actor.LEARNER, by="learner", now=SHOWN_AT)

    assert captured == IdCheck(state=IdState.CAPTURED, by="learner", captured_at=SHOWN_AT)
    assert decided(captured, IdEvent.ACCEPT) == replace(
        captured,
        state=IdState.ACCEPTED,
        by="bo",
        decided_at=NOW,
        waited=timedelta(minutes=5),
    )


def test_an_illegal_move_is_named_before_a_missing_reason() -> None:
    with pytest.raises(IllegalMove):
        decided(IdCheck(), IdEvent.REFUSE)


def captured_again(asked: IdCheck) -> IdCheck:
    return advance(asked, IdEvent.CAPTURE, actor=Actor.LEARNER, by="learner", now=NOW)


def test_a_picture_taken_again_keeps_what_was_said_of_those_before_apart() -> None:
    captured = in_state(IdState.CAPTURED)

    again = captured_again(decided(captured, IdEvent.ASK_AGAIN, code=AgainCode.BLURRED))

    assert again == IdCheck(state=IdState.CAPTURED, by="learner", captured_at=NOW, before=captured)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(IdState.CAPTURED, id="not decided on"),
        pytest.param(IdState.REFUSAL_PROPOSED, id="a refusal was proposed"),
        pytest.param(IdState.ACCEPTED, id="accepted"),
    ],
)
def test_a_newcomer_is_compared_with_who_was_shown_before_until_accepted(state: IdState) -> None:
    first = in_state(state)
    asked = decided(first, IdEvent.ASK_AGAIN, code=AgainCode.GLARE)
    shown = captured_again(asked)
    proposed = decided(shown, IdEvent.REFUSE, by="ann", reason="somebody else")
    refused = decided(proposed, IdEvent.REFUSE, by="bo", reason="somebody else")
    twice = captured_again(decided(shown, IdEvent.ASK_AGAIN, code=AgainCode.BLURRED))
    thrice = captured_again(decided(refused, IdEvent.ASK_AGAIN, code=AgainCode.OTHER, reason="x"))

    for each in (asked, shown, proposed, refused, twice, thrice):
        assert counting(each) == first
    accepted = decided(twice, IdEvent.ACCEPT)
    assert counting(accepted) == accepted


@pytest.mark.parametrize("state", [IdState.CAPTURED, IdState.ACCEPTED])
def test_pictures_that_were_refused_are_nobody_s_to_compare_with(state: IdState) -> None:
    asked = decided(in_state(state), IdEvent.ASK_AGAIN, code=AgainCode.GLARE)
    # Nothing more was shown: those before are decided on.
    proposed = decided(asked, IdEvent.REFUSE, by="ann", reason="somebody else")
    refused = decided(proposed, IdEvent.REFUSE, by="bo", reason="somebody else")
    assert counting(refused) == refused

    again = captured_again(decided(refused, IdEvent.ASK_AGAIN, code=AgainCode.GLARE))

    assert counting(again) == again
    assert again.before is not None
    assert again.before.state is IdState.REFUSED


def test_what_comes_after_it_was_asked_for_is_not_what_counted_before() -> None:
    vouched = decided(IdCheck(), IdEvent.VOUCH, by="lin", reason="my student")

    asked = decided(vouched, IdEvent.ASK_AGAIN, code=AgainCode.FACE_HIDDEN)

    assert asked.captured_at is None
    assert counting(asked) == replace(vouched, captured_at=NOW)
    assert counting(captured_again(asked)) == replace(vouched, captured_at=NOW)


@pytest.mark.parametrize("event", [IdEvent.ACCEPT, IdEvent.REFUSE])
def test_where_nothing_was_ever_shown_there_is_nothing_to_decide_on(event: IdEvent) -> None:
    vouched = decided(IdCheck(), IdEvent.VOUCH, by="lin", reason="my student")
    asked = decided(vouched, IdEvent.ASK_AGAIN, code=AgainCode.FACE_HIDDEN)

    with pytest.raises(IllegalMove) as refused:
        decided(asked, event, reason="I saw her")

    assert refused.value.facts() == {"machine": "ID check", "state": "retake", "event": event}
    assert decided(asked, IdEvent.VOUCH, reason="I saw her").state is IdState.ACCEPTED
    assert decided(captured_again(asked), event, reason="I saw her").by == "bo"


def test_of_who_was_vouched_for_it_is_taken_back_that_pictures_were_asked_for() -> None:
    early = NOW - timedelta(minutes=9)
    vouched = replace(decided(IdCheck(), IdEvent.VOUCH, by="lin", reason="mine"), decided_at=early)
    asked = decided(vouched, IdEvent.ASK_AGAIN, code=AgainCode.FACE_HIDDEN)
    with pytest.raises(IdReasonMissing):
        decided(asked, IdEvent.TAKE_BACK)

    back = decided(asked, IdEvent.TAKE_BACK, reason="she is in the room")

    assert (back.state, back.by, back.reason) == (IdState.ACCEPTED, "bo", "she is in the room")
    assert (back.vouched, back.decided_at, back.captured_at) == (True, early, None)
    # What comes from the asking on is not what somebody vouched without.
    assert counting(back) == replace(vouched, captured_at=NOW)
    assert assurance(back) == (
        "New pictures were asked for, and that was taken back by bo (person)",
        "No document: vouched for by lin (person)",
    )
    # It may be asked for and taken back once more; and with new pictures it is as it was.
    again = decided(back, IdEvent.ASK_AGAIN, code=AgainCode.FACE_HIDDEN)
    assert not again.taken_back
    assert decided(again, IdEvent.TAKE_BACK, reason="as before").before == back.before
    shown = captured_again(again)
    assert not decided(shown, IdEvent.ACCEPT).taken_back
    assert not decided(back, IdEvent.REFUSE, reason="x").taken_back


def test_a_doubt_that_is_older_than_the_asking_is_not_answered_by_taking_it_back() -> None:
    vouched = decided(IdCheck(), IdEvent.VOUCH, by="lin", reason="my student")
    doubted = replace(vouched, doubted_at=NOW + timedelta(seconds=1))
    asked = decided(doubted, IdEvent.ASK_AGAIN, code=AgainCode.FACE_HIDDEN)
    assert waits_since(asked) is None
    back = decided(asked, IdEvent.TAKE_BACK, reason="as before")
    assert waits_since(back) == doubted.doubted_at


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(in_state(IdState.ACCEPTED), id="pictures that were accepted"),
        pytest.param(in_state(IdState.CAPTURED), id="pictures that nobody decided on"),
        pytest.param(replace(in_state(IdState.ACCEPTED), vouched=True), id="pictures were shown"),
    ],
)
def test_where_there_are_pictures_they_are_accepted_and_nothing_is_taken_back(
    check: IdCheck,
) -> None:
    asked = decided(check, IdEvent.ASK_AGAIN, code=AgainCode.FACE_HIDDEN)
    with pytest.raises(IllegalMove):
        decided(asked, IdEvent.TAKE_BACK, reason="they will do")


def test_new_pictures_leave_the_doubt_that_another_account_showed_the_same() -> None:
    doubted = replace(in_state(IdState.ACCEPTED), doubted_at=NOW - timedelta(minutes=2))

    again = captured_again(decided(doubted, IdEvent.ASK_AGAIN, code=AgainCode.GLARE))

    assert (again.doubted_at, again.checks) == (doubted.doubted_at, ())
    assert waits_since(decided(again, IdEvent.ACCEPT)) is None


def test_until_new_pictures_are_accepted_those_that_were_before_count() -> None:
    accepted = in_state(IdState.ACCEPTED)
    asked = decided(accepted, IdEvent.ASK_AGAIN, reason="a change of light")
    assert counting(asked) == accepted
    shown = captured_again(asked)
    assert counting(shown) == accepted
    # However often it is asked: those that nobody accepted don't push them out.
    once_more = captured_again(decided(shown, IdEvent.ASK_AGAIN, code=AgainCode.GLARE))
    assert (counting(once_more), once_more.before) == (accepted, accepted)

    taken = decided(once_more, IdEvent.ACCEPT)

    assert counting(taken) == taken
    third = decided(taken, IdEvent.ASK_AGAIN, reason="once more")
    assert third.before == replace(taken, before=None)


def test_who_asked_may_find_that_those_before_will_do_and_says_why() -> None:
    asked = decided(in_state(IdState.ACCEPTED), IdEvent.ASK_AGAIN, reason="a change of light")
    with pytest.raises(IdReasonMissing):
        decided(asked, IdEvent.ACCEPT)

    accepted = decided(asked, IdEvent.ACCEPT, reason="I see it now")

    assert (accepted.state, accepted.captured_at) == (IdState.ACCEPTED, SHOWN_AT)


def test_a_refusal_takes_two_people() -> None:
    captured = in_state(IdState.CAPTURED)

    proposed = decided(captured, IdEvent.REFUSE, by="ann", reason="another person")

    assert proposed.state is IdState.REFUSAL_PROPOSED
    assert proposed.proposed == Proposal(by="ann", reason="another person", at=NOW)
    # It decides nothing, and the learner reads nothing of it.
    assert (proposed.decided_at, proposed.waited, learner_reads(proposed)) == (None, None, "")
    assert waits_since(proposed) == SHOWN_AT
    with pytest.raises(AnotherPersonNeeded):
        decided(proposed, IdEvent.REFUSE, by="ann", reason="I am sure")

    refused = decided(proposed, IdEvent.REFUSE, by="bo", reason="not the portrait's face")

    assert (refused.state, refused.by) == (IdState.REFUSED, "bo")
    assert refused.proposed == proposed.proposed
    assert learner_reads(refused) == "not the portrait's face"
    assert waits_since(refused) is None


@pytest.mark.parametrize("event", [IdEvent.ACCEPT, IdEvent.ASK_AGAIN, IdEvent.VOUCH])
@pytest.mark.parametrize("by", ["ann", "bo"])
def test_anybody_may_decide_otherwise_than_a_proposal(event: IdEvent, by: str) -> None:
    after = decided(in_state(IdState.REFUSAL_PROPOSED), event, by=by, reason="I was wrong")

    assert (after.proposed, after.decided_at) == (None, NOW)


def test_a_wrong_decision_of_a_proctor_can_be_mended_both_ways() -> None:
    check = decided(in_state(IdState.CAPTURED), IdEvent.ACCEPT, by="ann")

    proposed = decided(check, IdEvent.REFUSE, by="bo", reason="another person")
    assert (proposed.decided_at, proposed.checks) == (None, (NAME,))
    refused = decided(proposed, IdEvent.REFUSE, by="cy", reason="another person")
    with pytest.raises(IdReasonMissing):
        decided(refused, IdEvent.ACCEPT, by="di", reason=" ")
    accepted = decided(refused, IdEvent.ACCEPT, by="di", reason="the pictures were mixed up")

    assert (accepted.state, accepted.by) == (IdState.ACCEPTED, "di")
    assert accepted.reason == "the pictures were mixed up"


def test_who_vouches_is_known_by_name_and_the_vouching_ends_with_another_decision() -> None:
    vouched = decided(IdCheck(), IdEvent.VOUCH, by="lin", reason="my student for two years")

    assert (vouched.state, vouched.by, vouched.vouched) == (IdState.ACCEPTED, "lin", True)
    assert (vouched.reason, vouched.waited) == ("my student for two years", None)
    assert not decided(vouched, IdEvent.ACCEPT).vouched
    assert not decided(vouched, IdEvent.REFUSE, reason="x").vouched


def test_a_doubt_after_the_decision_waits_for_a_person_to_look_again() -> None:
    later = NOW + timedelta(hours=1)
    accepted = decided(in_state(IdState.CAPTURED), IdEvent.ACCEPT)
    assert waits_since(accepted) is None

    doubted = replace(accepted, doubted_at=later)

    assert waits_since(doubted) == later
    assert waits_since(replace(doubted, decided_at=None)) == later
    at = later + timedelta(minutes=2)
    looked = advance(doubted, IdEvent.ACCEPT, actor=Actor.PROCTOR, by="cy", now=at)
    assert (waits_since(looked), looked.waited) == (None, timedelta(minutes=2))


def test_what_machines_check_again_counts_in_place_of_before_and_moves_nothing() -> None:
    again = Checked(check=CheckKind.NAME, result="agrees")
    digits = Checked(check=CheckKind.DIGITS, result="agrees")
    check = in_state(IdState.CAPTURED)

    after = with_checks(check, [again, digits])

    assert after == replace(check, checks=(digits, again))


def test_an_id_check_of_before_is_still_read() -> None:
    before = b'{"state":"refused","by":"ann","reason":"no","captured_at":"2026-06-01T09:55:00Z"}'

    found = TypeAdapter(IdCheck).validate_json(before)

    assert found == IdCheck(state=IdState.REFUSED, by="ann", reason="no", captured_at=SHOWN_AT)
    assert learner_reads(found) == "no"


def test_what_was_said_of_the_pictures_before_is_stored_with_the_check() -> None:
    asked = decided(in_state(IdState.ACCEPTED), IdEvent.ASK_AGAIN, reason="a change of light")
    shape = TypeAdapter(IdCheck)

    assert shape.validate_json(shape.dump_json(captured_again(asked))) == captured_again(asked)


def test_every_code_has_words() -> None:
    assert set(AGAIN_WORDS) == set(AgainCode)
    assert all(words.endswith(".") for words in AGAIN_WORDS.values())


def test_a_missing_reason_is_a_refusal_of_the_rules() -> None:
    assert issubclass(IdReasonMissing, Refusal)

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from pydantic import TypeAdapter

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


def test_a_picture_taken_again_leaves_nothing_of_before() -> None:
    asked = decided(in_state(IdState.CAPTURED), IdEvent.ASK_AGAIN, code=AgainCode.BLURRED)

    again = advance(asked, IdEvent.CAPTURE, actor=Actor.LEARNER, by="learner", now=NOW)

    assert again == IdCheck(state=IdState.CAPTURED, by="learner", captured_at=NOW)


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


def test_every_code_has_words() -> None:
    assert set(AGAIN_WORDS) == set(AgainCode)
    assert all(words.endswith(".") for words in AGAIN_WORDS.values())


def test_a_missing_reason_is_a_refusal_of_the_rules() -> None:
    assert issubclass(IdReasonMissing, Refusal)

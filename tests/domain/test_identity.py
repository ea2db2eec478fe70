from copy import deepcopy
from itertools import product

import pytest

from proctor.domain.errors import Refusal
from proctor.domain.identity import (
    CAUSES,
    MOVES,
    IdCheck,
    IdEvent,
    IdReasonMissing,
    IdState,
    advance,
)
from proctor.domain.moves import Actor, IllegalMove, NotTheirEvent


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
    check = IdCheck(state=state, by="before", reason="earlier")
    before = deepcopy(check)
    after = MOVES[state].get(event)

    if after is not None and actor in CAUSES[event]:
        moved = advance(check, event, actor=actor, by="now", reason="blurred")
        assert moved == IdCheck(state=after, by="now", reason="blurred")
    else:
        with pytest.raises(IllegalMove if actor in CAUSES[event] else NotTheirEvent):
            advance(check, event, actor=actor, by="now", reason="blurred")
    assert check == before


@pytest.mark.parametrize("reason", [pytest.param("", id="empty"), pytest.param(" \n", id="blank")])
@pytest.mark.parametrize("event", [IdEvent.ASK_AGAIN, IdEvent.REFUSE])
def test_what_a_learner_must_mend_or_lose_needs_a_reason(event: IdEvent, reason: str) -> None:
    with pytest.raises(IdReasonMissing) as refused:
        advance(
            IdCheck(state=IdState.CAPTURED), event, actor=Actor.PROCTOR, by="ann", reason=reason
        )

    assert refused.value.code == "id-reason-missing"
    assert refused.value.facts() == {"event": event}


@pytest.mark.parametrize(
    ("state", "event", "actor"),
    [
        pytest.param(IdState.AWAITED, IdEvent.CAPTURE, Actor.LEARNER, id="captured"),
        pytest.param(IdState.CAPTURED, IdEvent.ACCEPT, Actor.PROCTOR, id="accepted"),
    ],
)
def test_what_is_no_setback_needs_no_reason(state: IdState, event: IdEvent, actor: Actor) -> None:
    assert advance(IdCheck(state=state), event, actor=actor, by="x").reason == ""


def test_an_illegal_move_is_named_before_a_missing_reason() -> None:
    with pytest.raises(IllegalMove):
        advance(IdCheck(), IdEvent.REFUSE, actor=Actor.PROCTOR, by="ann")


def test_a_picture_taken_again_leaves_no_stale_reason() -> None:
    asked = IdCheck(state=IdState.RETAKE, by="ann", reason="the photo is blurred")

    again = advance(asked, IdEvent.CAPTURE, actor=Actor.LEARNER, by="learner")

    assert (again.state, again.reason) == (IdState.CAPTURED, "")


def test_a_wrong_decision_of_a_proctor_can_be_mended_both_ways() -> None:
    check = IdCheck(state=IdState.ACCEPTED, by="ann")

    refused = advance(check, IdEvent.REFUSE, actor=Actor.PROCTOR, by="bo", reason="another person")
    accepted = advance(refused, IdEvent.ACCEPT, actor=Actor.PROCTOR, by="cy")

    assert (accepted.state, accepted.by, accepted.reason) == (IdState.ACCEPTED, "cy", "")


def test_a_refused_id_is_a_refusal_of_the_rules() -> None:
    assert issubclass(IdReasonMissing, Refusal)

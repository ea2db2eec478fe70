"""The four machines against lists written by hand: what is not in a list must be refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from proctor.domain import identity, review, session
from proctor.domain.moves import Actor, IllegalMove, NotTheirEvent, move


@dataclass(frozen=True, kw_only=True)
class Machine:
    name: str
    states: type[StrEnum]
    events: type[StrEnum]
    moves: Mapping[Any, Mapping[Any, Any]]
    causes: Mapping[Any, frozenset[Actor]]
    by_hand: str  # "state event -> state: actor, actor", one a line

    def legal(self) -> dict[tuple[str, str, str], str]:
        legal: dict[tuple[str, str, str], str] = {}
        for line in self.by_hand.strip().splitlines():
            what, actors = line.split(":")
            state, event, _, after = what.split()
            for actor in actors.split(","):
                legal[state, event, actor.strip()] = after
        return legal


SESSION = Machine(
    name="session",
    states=session.State,
    events=session.Event,
    moves=session.MOVES,
    causes=session.CAUSES,
    by_hand="""
        invited  joined     -> check-in: learner
        invited  terminated -> terminated: proctor
        invited  expired    -> expired: clock
        check-in checked-in -> ready: learner, proctor
        check-in terminated -> terminated: proctor
        check-in expired    -> expired: clock
        ready    started    -> running: learner
        ready    terminated -> terminated: proctor
        ready    expired    -> expired: clock
        running  paused     -> paused: proctor
        running  submitted  -> submitted: learner, clock
        running  terminated -> terminated: proctor
        paused   resumed    -> running: proctor, clock
        paused   terminated -> terminated: proctor
    """,
)
SECTION = Machine(
    name="section",
    states=session.SectionState,
    events=session.SectionEvent,
    moves=session.SECTION_MOVES,
    causes=session.SECTION_CAUSES,
    by_hand="""
        planned opened    -> open: learner
        planned cut       -> closed: learner, proctor, clock
        open    handed-in -> closed: learner
        open    time-up   -> closed: clock
        open    cut       -> closed: learner, proctor, clock
    """,
)
ID_CHECK = Machine(
    name="ID check",
    states=identity.IdState,
    events=identity.IdEvent,
    moves=identity.MOVES,
    causes=identity.CAUSES,
    by_hand="""
        awaited          captured    -> captured: learner
        awaited          vouched     -> accepted: proctor
        captured         accepted    -> accepted: proctor
        captured         asked-again -> retake: proctor
        captured         refused     -> refusal-proposed: proctor
        captured         vouched     -> accepted: proctor
        retake           captured    -> captured: learner
        retake           accepted    -> accepted: proctor
        retake           refused     -> refusal-proposed: proctor
        retake           vouched     -> accepted: proctor
        retake           taken-back  -> accepted: proctor
        refusal-proposed refused     -> refused: proctor
        refusal-proposed accepted    -> accepted: proctor
        refusal-proposed asked-again -> retake: proctor
        refusal-proposed vouched     -> accepted: proctor
        accepted         accepted    -> accepted: proctor
        accepted         asked-again -> retake: proctor
        accepted         refused     -> refusal-proposed: proctor
        refused          accepted    -> accepted: proctor
        refused          asked-again -> retake: proctor
        refused          vouched     -> accepted: proctor
    """,
)
REVIEW = Machine(
    name="review",
    states=review.ReviewState,
    events=review.ReviewEvent,
    moves=review.MOVES,
    causes=review.CAUSES,
    by_hand="""
        awaiting      decided   -> decided: proctor
        awaiting      sampled   -> second-needed: proctor
        awaiting      accused   -> second-needed: proctor
        second-needed confirmed -> decided: proctor
        second-needed differed  -> third-needed: proctor
        third-needed  settled   -> decided: proctor
        third-needed  accused   -> third-needed: proctor
        decided       contested -> contested: learner
        contested     settled   -> final: proctor
        contested     accused   -> contested: proctor
    """,
)
MACHINES = [pytest.param(m, id=m.name) for m in (SESSION, SECTION, ID_CHECK, REVIEW)]


def triples() -> list[Any]:
    return [
        pytest.param(
            machine, state, event, actor, id=f"{machine.name}: {state}, {event} by {actor}"
        )
        for machine in (SESSION, SECTION, ID_CHECK, REVIEW)
        for state, event, actor in product(machine.states, machine.events, Actor)
    ]


@pytest.mark.parametrize(("machine", "state", "event", "actor"), triples())
def test_a_machine_moves_as_listed_by_hand_and_refuses_the_rest(
    machine: Machine, state: StrEnum, event: StrEnum, actor: Actor
) -> None:
    def step() -> StrEnum:
        after: StrEnum = move(
            machine.name, state, event, actor, moves=machine.moves, causes=machine.causes
        )
        return after

    legal = machine.legal()
    if (state, event, actor) in legal:
        assert step() == legal[state, event, actor]
        return
    with pytest.raises((IllegalMove, NotTheirEvent)) as refused:
        step()

    someones = {who for _, what, who in legal if what == event}
    if actor in someones:
        assert refused.value.code == "illegal-move"
        assert refused.value.facts() == {"machine": machine.name, "state": state, "event": event}
        assert str(refused.value) == f"a {machine.name} that is {state} can't be {event}"
    else:
        assert refused.value.code == "not-their-event"
        assert refused.value.facts() == {"machine": machine.name, "event": event, "actor": actor}
        assert str(refused.value) == f"a {actor} can't cause {event} of a {machine.name}"


@pytest.mark.parametrize("machine", MACHINES)
def test_the_tables_say_what_is_listed_by_hand_and_nothing_else(machine: Machine) -> None:
    from_tables = {
        (state, event, actor): after
        for state, row in machine.moves.items()
        for event, after in row.items()
        for actor in machine.causes[event]
    }

    assert from_tables == machine.legal()


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_has_a_row_and_every_event_somebody_and_somewhere(machine: Machine) -> None:
    assert set(machine.moves) == set(machine.states)
    assert set(machine.causes) == set(machine.events)
    assert all(machine.causes.values())
    assert {event for row in machine.moves.values() for event in row} == set(machine.events)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_can_be_reached_from_the_first(machine: Machine) -> None:
    reached = [next(iter(machine.states))]
    for state in reached:
        reached.extend(after for after in machine.moves[state].values() if after not in reached)

    assert set(reached) == set(machine.states)


def test_the_states_a_session_ends_in_are_those_without_a_way_out() -> None:
    assert {state for state, row in session.MOVES.items() if not row} == session.ENDED


@pytest.mark.parametrize("machine", MACHINES)
def test_the_learner_never_undoes_an_end(machine: Machine) -> None:
    # edX lets "completed" become "started" again by its learner; here no end has a way back.
    ends = {state for state, row in machine.moves.items() if not row}

    assert not [at for at in machine.legal() if at[0] in ends]

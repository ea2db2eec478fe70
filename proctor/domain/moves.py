"""How a state machine moves: a table of moves, and a table of who may cause each event.

The four machines (session, section, ID check, review) each have both tables in their own file.
docs/STATES.md is drawn from the tables.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from proctor.domain.errors import Refusal

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Actor(StrEnum):
    """Who causes an event. The clock is the server's own rule, never a person."""

    LEARNER = "learner"
    PROCTOR = "proctor"
    CLOCK = "clock"


class IllegalMove(Refusal):
    code = "illegal-move"

    def __init__(self, *, machine: str, state: str, event: str) -> None:
        super().__init__(f"a {machine} that is {state} can't be {event}")
        self.machine = machine
        self.state = state
        self.event = event


class NotTheirEvent(Refusal):
    code = "not-their-event"

    def __init__(self, *, machine: str, event: str, actor: str) -> None:
        super().__init__(f"a {actor} can't cause {event} of a {machine}")
        self.machine = machine
        self.event = event
        self.actor = actor


def move(
    machine: str,
    state: S,
    event: E,
    actor: Actor,
    *,
    moves: Mapping[S, Mapping[E, S]],
    causes: Mapping[E, frozenset[Actor]],
) -> S:
    """Return the state after `event`.

    Raises:
        NotTheirEvent: `actor` may not cause it.
        IllegalMove: It does not happen in this state.
    """
    if actor not in causes[event]:
        raise NotTheirEvent(machine=machine, event=event, actor=actor)
    after = moves[state].get(event)
    if after is None:
        raise IllegalMove(machine=machine, state=state, event=event)
    return after

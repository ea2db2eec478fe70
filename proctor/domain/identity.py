"""The ID check: was this the right person? A person says so, never a machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from proctor.domain.errors import Refusal
from proctor.domain.moves import Actor, move


class IdState(StrEnum):
    AWAITED = "awaited"
    CAPTURED = "captured"
    ACCEPTED = "accepted"
    RETAKE = "retake"
    REFUSED = "refused"


class IdEvent(StrEnum):
    CAPTURE = "captured"
    ACCEPT = "accepted"
    ASK_AGAIN = "asked-again"
    REFUSE = "refused"


MOVES: Mapping[IdState, Mapping[IdEvent, IdState]] = {
    IdState.AWAITED: {IdEvent.CAPTURE: IdState.CAPTURED},
    IdState.CAPTURED: {
        IdEvent.ACCEPT: IdState.ACCEPTED,
        IdEvent.ASK_AGAIN: IdState.RETAKE,
        IdEvent.REFUSE: IdState.REFUSED,
    },
    IdState.RETAKE: {IdEvent.CAPTURE: IdState.CAPTURED},
    # Both can be mended: people who decide make mistakes, too.
    IdState.ACCEPTED: {IdEvent.REFUSE: IdState.REFUSED},
    IdState.REFUSED: {IdEvent.ACCEPT: IdState.ACCEPTED, IdEvent.ASK_AGAIN: IdState.RETAKE},
}
CAUSES: Mapping[IdEvent, frozenset[Actor]] = {
    IdEvent.CAPTURE: frozenset({Actor.LEARNER}),
    IdEvent.ACCEPT: frozenset({Actor.PROCTOR}),
    IdEvent.ASK_AGAIN: frozenset({Actor.PROCTOR}),
    IdEvent.REFUSE: frozenset({Actor.PROCTOR}),
}


class IdReasonMissing(Refusal):
    code = "id-reason-missing"

    def __init__(self, *, event: str) -> None:
        super().__init__(f"say why the ID check is {event}: the learner reads it")
        self.event = event


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCheck:
    state: IdState = IdState.AWAITED
    by: str = ""  # who decided last; empty while nobody has
    reason: str = ""  # what the learner reads
    captured_at: datetime | None = None  # when face and document were last shown


def advance(check: IdCheck, event: IdEvent, *, actor: Actor, by: str, reason: str = "") -> IdCheck:
    """Return the ID check after `event`.

    Raises:
        IdReasonMissing: Asked again or refused without a reason.
        IllegalMove: It does not happen in this state.
        NotTheirEvent: This actor may not cause it.
    """
    state = move("ID check", check.state, event, actor, moves=MOVES, causes=CAUSES)
    if event in (IdEvent.ASK_AGAIN, IdEvent.REFUSE) and not reason.strip():
        raise IdReasonMissing(event=event)
    return replace(check, state=state, by=by, reason=reason)

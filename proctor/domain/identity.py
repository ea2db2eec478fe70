"""The ID check: was this the right person? A person says so, never a machine.

One person accepts, asks for new pictures, or vouches for somebody without a matching document. A
refusal takes two: the first proposes it, another confirms it, and until then anybody may decide
otherwise. New pictures may be asked for while the exam goes on, too: until they are accepted, what
was shown before still counts as the learner's face, unless it was refused. What machines found is
noted beside the state and moves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from proctor.domain.errors import Refusal
from proctor.domain.moves import Actor, IllegalMove, move
from proctor.domain.review import AnotherPersonNeeded


class IdState(StrEnum):
    AWAITED = "awaited"
    CAPTURED = "captured"
    ACCEPTED = "accepted"
    RETAKE = "retake"
    REFUSAL_PROPOSED = "refusal-proposed"
    REFUSED = "refused"


class IdEvent(StrEnum):
    CAPTURE = "captured"
    ACCEPT = "accepted"
    ASK_AGAIN = "asked-again"
    REFUSE = "refused"  # proposes it, and from another person confirms it
    VOUCH = "vouched"  # a member of staff knows the learner, whose document is missing or no match
    TAKE_BACK = "taken-back"  # new pictures are wanted no more: what was decided before stands


MOVES: Mapping[IdState, Mapping[IdEvent, IdState]] = {
    # Vouched for before anything is shown: there may be no document to show.
    IdState.AWAITED: {IdEvent.CAPTURE: IdState.CAPTURED, IdEvent.VOUCH: IdState.ACCEPTED},
    IdState.CAPTURED: {
        IdEvent.ACCEPT: IdState.ACCEPTED,
        IdEvent.ASK_AGAIN: IdState.RETAKE,
        IdEvent.REFUSE: IdState.REFUSAL_PROPOSED,
        IdEvent.VOUCH: IdState.ACCEPTED,
    },
    # Whoever asked may find that those before will do; and who shows nothing more, even after the
    # end, is decided on by what there is.
    IdState.RETAKE: {
        IdEvent.CAPTURE: IdState.CAPTURED,
        IdEvent.ACCEPT: IdState.ACCEPTED,
        IdEvent.REFUSE: IdState.REFUSAL_PROPOSED,
        IdEvent.VOUCH: IdState.ACCEPTED,
        # Of who was vouched for and shows nothing: there is nothing that could be accepted.
        IdEvent.TAKE_BACK: IdState.ACCEPTED,
    },
    IdState.REFUSAL_PROPOSED: {
        IdEvent.REFUSE: IdState.REFUSED,  # by somebody else than who proposed it
        IdEvent.ACCEPT: IdState.ACCEPTED,
        IdEvent.ASK_AGAIN: IdState.RETAKE,
        IdEvent.VOUCH: IdState.ACCEPTED,
    },
    # Both can be mended: people who decide make mistakes, too. Accepting again is how a person
    # says that a doubt which was raised since is none.
    IdState.ACCEPTED: {
        IdEvent.ACCEPT: IdState.ACCEPTED,
        IdEvent.ASK_AGAIN: IdState.RETAKE,
        IdEvent.REFUSE: IdState.REFUSAL_PROPOSED,
    },
    IdState.REFUSED: {
        IdEvent.ACCEPT: IdState.ACCEPTED,
        IdEvent.ASK_AGAIN: IdState.RETAKE,
        IdEvent.VOUCH: IdState.ACCEPTED,
    },
}
CAUSES: Mapping[IdEvent, frozenset[Actor]] = {
    IdEvent.CAPTURE: frozenset({Actor.LEARNER}),
    IdEvent.ACCEPT: frozenset({Actor.PROCTOR}),
    IdEvent.ASK_AGAIN: frozenset({Actor.PROCTOR}),
    IdEvent.REFUSE: frozenset({Actor.PROCTOR}),
    IdEvent.VOUCH: frozenset({Actor.PROCTOR}),
    IdEvent.TAKE_BACK: frozenset({Actor.PROCTOR}),
}
# In these a person has yet to decide on what was shown.
UNDECIDED = frozenset({IdState.CAPTURED, IdState.REFUSAL_PROPOSED})


class AgainCode(StrEnum):
    """Why new pictures are asked for."""

    BLURRED = "blurred"
    TOO_DARK = "too-dark"
    GLARE = "glare"
    CUT_OFF = "cut-off"
    FACE_HIDDEN = "face-hidden"
    NO_FACE = "no-face"
    WRONG_DOCUMENT = "wrong-document"
    EXPIRED = "expired"
    NAME_UNREADABLE = "name-unreadable"
    NOT_ALIKE = "not-alike"
    OTHER = "other"


# What the learner reads. None asks anybody to uncover: what hides a face is theirs to know.
AGAIN_WORDS: Mapping[AgainCode, str] = {
    AgainCode.BLURRED: "The picture is blurred. Hold still until it is sharp, then take it again.",
    AgainCode.TOO_DARK: "The picture is too dark. Turn on a lamp that shines on you and the "
    "document.",
    AgainCode.GLARE: "Light is reflected on the document. Tilt it a little, or move the lamp.",
    AgainCode.CUT_OFF: "A part of the document is outside of the picture. Show all four corners.",
    AgainCode.FACE_HIDDEN: "Your face can't be seen well: from forehead to chin, without dark "
    "glasses or a hand before it. A headscarf or a hearing aid is fine.",
    AgainCode.NO_FACE: "Your face is not in the picture. Sit in front of the camera, with light "
    "from the front.",
    AgainCode.WRONG_DOCUMENT: "This is not a document that the exam asks for. Show one of those "
    "that it names.",
    AgainCode.EXPIRED: "This document has expired. Show one that is valid on the day of the exam.",
    AgainCode.NAME_UNREADABLE: "Your name on the document can't be read. Hold it closer, and "
    "keep your fingers off the text.",
    AgainCode.NOT_ALIKE: "From these pictures we can't tell that the document is yours. Take both "
    "again in good light, with your face as in the document's portrait.",
    AgainCode.OTHER: "New pictures are needed, for another reason.",
}


class IdReasonMissing(Refusal):
    code = "id-reason-missing"

    def __init__(self, *, event: str) -> None:
        super().__init__(f"say why the ID check is {event}: people will read it")
        self.event = event


class CheckKind(StrEnum):
    """What a machine checked."""

    FACES = "faces"  # one alone is in the picture of the learner's face
    DIGITS = "digits"  # of the machine-readable zone
    EXPIRY = "expiry"
    KIND = "kind"
    NAME = "name"
    PORTRAIT = "portrait"  # one is on the document
    FACE = "face"  # the face shown is the portrait's
    ONE_DOCUMENT = "one-document"  # its number is on one account alone
    ONE_FACE = "one-face"  # the face is on one account alone


CheckResult = Literal["agrees", "unsure", "differs", "unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """That a machine checked something, and how it came out: nothing of what it read."""

    check: CheckKind
    result: CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A refusal that one person proposed."""

    by: str
    reason: str
    at: datetime  # aware UTC, server clock


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCheck:
    state: IdState = IdState.AWAITED
    by: str = ""  # who decided last; empty while nobody has
    reason: str = ""  # in their words
    captured_at: datetime | None = None  # when face and document were last shown
    code: AgainCode | None = None  # why new pictures were asked for
    # Accepted without a matching document: `by` vouches, or where it is taken back who did before.
    vouched: bool = False
    taken_back: bool = False  # that new pictures were asked for, by `by`: what was `before` stands
    proposed: Proposal | None = None  # stays once it was confirmed
    decided_at: datetime | None = None  # when a person last decided; a proposal decides nothing
    waited: timedelta | None = None  # for that decision, since it was captured or last doubted
    checks: tuple[Checked, ...] = ()  # by machine, of what was last shown
    doubted_at: datetime | None = None  # when the document or face was last found elsewhere
    # Of the pictures that counted when new ones were last asked for: see `counting`. It has none
    # before it.
    before: "IdCheck | None" = None


def advance(
    check: IdCheck,
    event: IdEvent,
    *,
    actor: Actor,
    by: str,
    now: datetime,
    reason: str = "",
    code: AgainCode | None = None,
) -> IdCheck:
    """Return the ID check after `event`.

    Args:
        check: As it stands.
        event: What happened.
        actor: Who caused it.
        by: Their name.
        now: Server clock, aware UTC.
        reason: In their words; of what is asked again, a note beside the code's words.
        code: Why it is asked again; without one, the reason must say it.

    Raises:
        AnotherPersonNeeded: A refusal was confirmed by who proposed it.
        IdReasonMissing: Refused, vouched for, or accepted after it was refused or new pictures were
            asked for, or that was taken back, without a reason; or asked again with neither a code
            nor a reason.
        IllegalMove: It does not happen in this state; or new pictures were asked for of who was
            vouched for with none, so that there are none to accept or refuse; or there are, so that
            to accept them is to take that back.
        NotTheirEvent: This actor may not cause it.
    """
    state = move("ID check", check.state, event, actor, moves=MOVES, causes=CAUSES)
    reason = reason.strip()
    if event is IdEvent.CAPTURE:
        # That another account showed the same stays a question: new pictures answer none.
        return IdCheck(
            state=state,
            by=by,
            captured_at=now,
            before=check.before,
            doubted_at=check.doubted_at,
        )
    # Whatever may come meanwhile was not shown to be decided on; a person may still vouch.
    nothing = check.state is IdState.RETAKE and check.captured_at is None
    if nothing and event in (IdEvent.ACCEPT, IdEvent.REFUSE):
        raise IllegalMove(machine="ID check", state=check.state, event=event)
    if event is IdEvent.TAKE_BACK and not may_take_back(check):
        raise IllegalMove(machine="ID check", state=check.state, event=event)
    if event is IdEvent.ASK_AGAIN:
        code = code or AgainCode.OTHER
    # Two people refused, or one asked: who undoes that alone says why.
    undoes = event is IdEvent.ACCEPT and check.state in (IdState.REFUSED, IdState.RETAKE)
    explained = (IdEvent.REFUSE, IdEvent.VOUCH, IdEvent.TAKE_BACK)
    needs = undoes or event in explained or code is AgainCode.OTHER
    if needs and not reason:
        raise IdReasonMissing(event=event)
    if state is IdState.REFUSAL_PROPOSED:
        # What was decided before is no more; nothing is decided in its place.
        proposed = Proposal(by=by, reason=reason, at=now)
        return replace(_undecided(check), state=state, by=by, proposed=proposed)
    if state is IdState.REFUSED:
        assert check.proposed is not None
        if check.proposed.by == by:
            raise AnotherPersonNeeded(by=by)
    if event is IdEvent.TAKE_BACK:
        assert check.before is not None  # see `may_take_back`
        # When it was decided stays, too: a doubt that was raised since then is not answered by it.
        return replace(
            check,
            state=state,
            by=by,
            reason=reason,
            code=None,
            vouched=True,
            taken_back=True,
            decided_at=check.before.decided_at,
            waited=check.before.waited,
        )
    return replace(
        check,
        state=state,
        by=by,
        reason=reason,
        code=code if event is IdEvent.ASK_AGAIN else None,
        vouched=event is IdEvent.VOUCH,
        taken_back=False,
        checks=_to_search(check) if state is IdState.ACCEPTED else check.checks,
        proposed=check.proposed if state is IdState.REFUSED else None,
        decided_at=now,
        waited=None if (since := waits_since(check)) is None else now - since,
        before=_as_before(counting(check), now) if event is IdEvent.ASK_AGAIN else check.before,
    )


def may_take_back(check: IdCheck) -> bool:
    """Tell whether it can be taken back that new pictures were asked for.

    That is so of who was vouched for with nothing shown, and has shown nothing since. Where there
    are pictures, to accept them says the same.
    """
    before = check.before
    stands = before is not None and before.vouched and before.state is IdState.ACCEPTED
    return check.state is IdState.RETAKE and check.captured_at is None and stands


def _as_before(check: IdCheck, now: datetime) -> IdCheck:
    """Return the check as one of before new pictures were asked for.

    Who was vouched for may have shown nothing: without a time, pictures still to come would count.
    """
    return replace(check, before=None, captured_at=check.captured_at or now)


def counting(check: IdCheck) -> IdCheck:
    """Return the check whose pictures count as the learner's.

    While no person has accepted new ones, those before do: else whoever sits down in the learner's
    place would be compared with their own face. That holds where nobody had decided on those
    before, too, but not where they were refused.
    """
    before = check.before
    if before is None or before.state is IdState.REFUSED:
        return check
    if check.state is IdState.ACCEPTED and not check.taken_back:
        return check
    same = check.captured_at == before.captured_at
    return check if same and check.state is IdState.REFUSED else before


def searched(check: IdCheck) -> IdCheck:
    """Return the check whose pictures are found from other accounts.

    What a person accepted stays among them until new pictures are accepted: else whoever was asked
    for new ones could show a stranger's, and be found by neither.
    """
    counts = counting(check)
    return counts if counts.state is IdState.ACCEPTED else check


def _to_search(check: IdCheck) -> tuple[Checked, ...]:
    """Return the checks of what is accepted now: from now on these pictures are found.

    Those who came since they were shown were compared with the pictures before: once more, then.
    """
    if searched(check).captured_at == check.captured_at:
        return check.checks
    return tuple(each for each in check.checks if each.check is not CheckKind.ONE_FACE)


def learner_reads(check: IdCheck) -> str:
    """Return the reason as the learner reads it; empty while there is none to read.

    A proposed refusal is none: another person may see it otherwise.
    """
    if check.code is None or check.code is AgainCode.OTHER:
        return check.reason
    return f"{AGAIN_WORDS[check.code]} {check.reason}".strip()


def with_checks(check: IdCheck, made: Sequence[Checked]) -> IdCheck:
    """Return the ID check with what machines checked; one made again counts in place of before."""
    known = {each.check: each for each in (*check.checks, *made)}
    return replace(check, checks=tuple(known[kind] for kind in CheckKind if kind in known))


def _undecided(check: IdCheck) -> IdCheck:
    nothing = replace(check, vouched=False, taken_back=False, decided_at=None, waited=None)
    return replace(nothing, reason="", code=None)


def waits_since(check: IdCheck) -> datetime | None:
    """Return since when a person has to decide; None where nobody has to.

    Of what was accepted it is since when the document or face was found elsewhere.
    """
    if check.state in UNDECIDED:
        return check.captured_at
    if check.state is IdState.ACCEPTED and check.doubted_at is not None:
        decided = check.decided_at
        return check.doubted_at if decided is None or decided < check.doubted_at else None
    return None


def is_compared(check: IdCheck) -> bool:
    """Tell whether machines are done with what was shown, if anything was."""
    made = {each.check for each in check.checks}
    return check.captured_at is None or CheckKind.ONE_FACE in made

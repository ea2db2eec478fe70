"""What a proctor does to a session, why, and what comes of it: values.

`acting` does it. Each act has a reason from a list and a note, both for the learner to read.

Refusal
├── ActReasonMissing      an act without its reason, or without its note
├── NoSuchReason          a reason that is not in the list
├── ActIncomplete         an act without what it is about
├── NoSuchRule            the policy has no such rule, or it can't be lifted
├── RuleUnchanged         a rule lifted twice, or restored without being lifted
├── TooManyActs           the session has had all it can have
├── NoSuchAct             nothing of that id was done
├── ActNotUndoable        it can't be taken back, or was already
├── TerminationProposed   somebody proposes it already
├── NothingProposed       nobody proposes it, or no longer
├── StaleProposal         another proposal stands now than the one that was named
├── RequestReused         a request's id came again with another act
└── StalePage             somebody else has acted since
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from proctor.domain.errors import Refusal
from proctor.domain.policy import When

# A session is one row. So many acts may begin something in it, or only say it.
MAX_ACTS = 200
# Beyond them: for who waits for a person, and then for proposals to end it. What closes something
# that an act began takes none of these places: there are no more of those than of these.
ACTS_TO_HELP = 100
ACTS_TO_END = 100
MAX_NOTE_CHARS = 2000
# How long a second person has to confirm that an exam is ended.
CONFIRM_WITHIN = timedelta(seconds=60)


class ActKind(StrEnum):
    MESSAGE = "message"
    ASK_STILL = "ask-still"
    ASK_ID = "ask-id"
    PAUSE = "pause"
    RESUME = "resume"
    EXTRA_TIME = "extra-time"
    LIFT_RULE = "lift-rule"
    RESTORE_RULE = "restore-rule"
    ADMIT_DEVICE = "admit-device"
    REFUSE_DEVICE = "refuse-device"
    TERMINATE = "terminate"
    CONFIRM_TERMINATE = "confirm-terminate"
    WITHDRAW_TERMINATE = "withdraw-terminate"
    IRREGULARITY = "irregularity"
    ANSWER = "answer"  # to a call for help; the note is the answer
    UNDO = "undo"


# Acts that need no reason from the list: of a message and an answer, the note says all; what is
# confirmed has the reason of what was proposed; who is let in was waiting for just that.
NO_CODE = frozenset(
    {
        ActKind.MESSAGE,
        ActKind.ANSWER,
        ActKind.RESUME,
        ActKind.CONFIRM_TERMINATE,
        ActKind.WITHDRAW_TERMINATE,
        ActKind.UNDO,
        ActKind.ADMIT_DEVICE,
    }
)
# A device is refused for a reason of the list, which says enough where nobody adds words.
NO_NOTE = NO_CODE - {ActKind.MESSAGE, ActKind.ANSWER} | {ActKind.REFUSE_DEVICE}
# To a learner or a whole exam: no act upon the session, and no page is the worse for them.
WORDS_ALONE = frozenset({ActKind.MESSAGE, ActKind.ANSWER})
# Each closes what an act has begun, so it is never one too many.
CLOSING = frozenset(
    {
        ActKind.RESUME,
        ActKind.RESTORE_RULE,
        ActKind.CONFIRM_TERMINATE,
        ActKind.WITHDRAW_TERMINATE,
        ActKind.UNDO,
    }
)
# A learner waits for these.
HELPING = frozenset({ActKind.ANSWER, ActKind.ADMIT_DEVICE, ActKind.REFUSE_DEVICE})

# They take a learner away from the exam, who did not ask for it. Not so what gives something, nor
# an answer, which is waited for.
_INTERRUPTING: Mapping[ActKind, str] = {
    ActKind.MESSAGE: "messages",
    ActKind.PAUSE: "pauses",
    ActKind.ASK_STILL: "requests",
    ActKind.ASK_ID: "requests",
}

# Categories and what is in them, each with its words. The learner reads them after a colon.
# Source: TAO, `taoProctoring`, ReasonCategoryService, of which none is left out: our `learner` is
# its examinee, our `staff` its proctorStaff. The camera is ours.
REASONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "environment": (
        "environment",
        {
            "comfort": "comfort of the room",
            "disturbance": "disturbance",
            "noise": "noise",
            "power-outage": "power cut",
            "weather": "weather",
        },
    ),
    "learner": (
        "learner",
        {
            "behaviour": "behaviour",
            "complaint": "complaint",
            "id-authorization": "proof of identity",
            "illness": "illness",
            "late": "late arrival",
            "navigation": "finding the way through the exam",
            "no-show": "absence",
        },
    ),
    "staff": (
        "staff",
        {
            "behaviour": "behaviour of staff",
            "compliance": "compliance",
            "error": "mistake of ours",
            "late": "staff came late",
            "no-show": "staff did not come",
        },
    ),
    "technical": (
        "technical",
        {
            "freezing": "freezing",
            "launching": "launching",
            "network": "network",
            "printing": "printing",
            "testing-workstation": "exam computer",
            "camera": "camera",
        },
    ),
    "other": ("other", {"other": "another reason"}),
}
# No act can have these any more; those that were stored with them are read as they were.
FORMER_REASONS: Mapping[str, str] = {
    "learner/health": "health",
    "learner/weather": "weather",
    "staff/late-start": "late start",
    "technical/workstation": "workstation",
}
REASON_WORDS: Mapping[str, str] = {
    **FORMER_REASONS,
    **{
        f"{category}/{name}": words
        for category, (_, reasons) in REASONS.items()
        for name, words in reasons.items()
    },
}
# Where an irregularity lies.
PLACES = ("room", "system")


class Became(StrEnum):
    """What became of a proposal to end a session."""

    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class ActReasonMissing(Refusal):
    code = "act-reason-missing"

    def __init__(self, *, missing: str) -> None:
        super().__init__(f"an act needs its {missing}: the learner reads it")
        self.missing = missing  # "code" or "note"


class NoSuchReason(Refusal):
    code = "no-such-reason"

    def __init__(self) -> None:
        super().__init__("this reason is not in the list: /api/v1/act-reasons has it")


class ActIncomplete(Refusal):
    code = "act-incomplete"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class NoSuchRule(Refusal):
    code = "no-such-rule"

    def __init__(self) -> None:
        super().__init__("the policy has no such rule that could be lifted")


class RuleUnchanged(Refusal):
    code = "rule-unchanged"

    def __init__(self, *, rule: str, lifted: bool) -> None:
        stands = "lifted" if lifted else "in force"
        super().__init__(f"the rule {rule} is {stands} already")
        self.rule = rule
        self.lifted = lifted


class TooManyActs(Refusal):
    code = "too-many-acts"

    def __init__(self, *, at_most: int) -> None:
        super().__init__(f"this session has had {at_most} acts, and no room for another of these")
        self.at_most = at_most


class NoSuchAct(Refusal):
    code = "no-such-act"

    def __init__(self) -> None:
        super().__init__("nothing of that id was done in this session")


class ActNotUndoable(Refusal):
    code = "act-not-undoable"

    def __init__(self, *, act: str, problem: str) -> None:
        super().__init__(f"this can't be taken back: {problem}")
        self.act = act
        self.problem = problem


class TerminationProposed(Refusal):
    code = "termination-proposed"

    def __init__(self, *, by: str, lapses_at: datetime) -> None:
        super().__init__(f"{by} proposes to end this exam already: confirm it, or withdraw it")
        self.by = by
        self.lapses_at = lapses_at


class NothingProposed(Refusal):
    """Nobody proposes it. Of the proposal that was named: `became`, and `by` whom."""

    code = "nothing-proposed"

    def __init__(self, *, became: Became | None = None, by: str = "") -> None:
        super().__init__("nobody proposes to end this exam, or the time to confirm it is over")
        self.became = became
        self.by = by


class StaleProposal(Refusal):
    """Another proposal stands than the one that was named: `act`, by `proposed_by`.

    Of the one that was named: `became`, and `by` whom.
    """

    code = "stale-proposal"

    def __init__(
        self,
        *,
        act: str,
        proposed_by: str,
        lapses_at: datetime,
        became: Became | None = None,
        by: str = "",
    ) -> None:
        super().__init__(f"{proposed_by} has proposed it anew meanwhile: read why, then decide")
        self.act = act
        self.proposed_by = proposed_by
        self.lapses_at = lapses_at
        self.became = became
        self.by = by


class RequestReused(Refusal):
    code = "request-reused"

    def __init__(self, *, act: str) -> None:
        super().__init__("this request's id was that of another act: nothing was done")
        self.act = act


class StalePage(Refusal):
    """Something has happened since the page was shown that this was decided on.

    Somebody acted on the session (`by`, `act`, `version`), or flags were raised (`flags`).
    """

    code = "stale-page"

    def __init__(
        self, *, by: str = "", act: str = "", version: int = 0, flags: Sequence[str] = ()
    ) -> None:
        if flags:
            super().__init__(f"{len(flags)} flags came since: look at them before you decide")
            self.flags = tuple(flags)
            return
        super().__init__(f"meanwhile {by} has done {act}: look again before you act")
        self.by = by
        self.act = act
        self.version = version  # of the session, now


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a proctor wants done."""

    kind: ActKind
    code: str = ""  # of the reason: "technical/network"
    note: str = ""
    seconds: int = 0  # extra-time: how much
    rule: str = ""  # lift-rule, restore-rule: the rule's `when`
    # undo, confirm-terminate: the act's id; a device's id; irregularity: one of PLACES. Of
    # withdraw-terminate it may be left out: then it is whatever is proposed.
    of: str = ""
    to_all: bool = False  # message: it is an announcement, to all who sit the exam
    # Made by who asks, anew for each decision: what comes again with it is not done again.
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was done. All but `by` is for the learner to read, once it concerns them."""

    id: str  # "a1", in order
    kind: ActKind
    by: str  # the proctor's login name
    at: datetime  # aware UTC, server clock
    code: str = ""
    note: str = ""  # at most MAX_NOTE_CHARS
    seconds: int = 0  # extra-time: how much was given; undo: how much of that was taken back
    rule: str = ""
    of: str = ""
    proposal: bool = False  # terminate: another person had to confirm it
    undone: bool = False
    to_all: bool = False  # message: an announcement; in rows of before it was kept, not told
    request: str = ""  # of whoever asked; "": an act that comes again is done again


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A rule that does not hold for one learner, from `since` until before `until`."""

    rule: When
    since: datetime
    until: datetime | None = None  # None: still


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    """That one person proposes to end a session; the learner reads nothing of it."""

    by: str
    code: str
    note: str
    at: datetime
    lapses_at: datetime  # exclusive: then it is too late to confirm
    act: str = ""  # the id of the act that proposed it; "" in rows of before it was kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruptions:
    """How often proctors have interrupted a learner: once or more."""

    messages: int  # announcements among them
    pauses: int
    requests: int  # for a new picture, or for those of the ID check
    last_at: datetime


def interruptions(acts: Iterable[Act]) -> Interruptions | None:
    """Return how often a learner was interrupted; None for never.

    What was undone counts: it has been read by then.
    """
    counts = Counter[str]()
    last_at: datetime | None = None
    for act in acts:
        if (what := _INTERRUPTING.get(act.kind)) is not None:
            counts[what] += 1
            last_at = act.at
    if last_at is None:
        return None
    return Interruptions(
        messages=counts["messages"],
        pauses=counts["pauses"],
        requests=counts["requests"],
        last_at=last_at,
    )


def require_complete(wanted: Wanted) -> None:
    """Refuse an act that does not say what it must, whatever the session's state.

    Raises:
        ActIncomplete: Without what it is about, or with a note too long.
        ActReasonMissing: Without its code or its note.
        NoSuchReason: The code is not in the list.
    """
    kind, code, note = wanted.kind, wanted.code.strip(), wanted.note.strip()
    if not code and kind not in NO_CODE:
        raise ActReasonMissing(missing="code")
    if not note and kind not in NO_NOTE:
        raise ActReasonMissing(missing="note")
    if code and (code not in REASON_WORDS or code in FORMER_REASONS):
        raise NoSuchReason
    if len(note) > MAX_NOTE_CHARS:
        raise ActIncomplete(problem=f"a note has at most {MAX_NOTE_CHARS} characters")
    if kind is ActKind.IRREGULARITY and wanted.of not in PLACES:
        raise ActIncomplete(problem='an irregularity is "of" the room or the system')
    if kind is ActKind.UNDO and not wanted.of:
        raise ActIncomplete(problem='"of" must say what is taken back')
    if kind is ActKind.CONFIRM_TERMINATE and not wanted.of:
        raise ActIncomplete(problem='"of" must say which proposal is confirmed: its act\'s id')


def lifted(lifts: Iterable[Lift], rule: When, at: datetime) -> bool:
    """Tell whether a rule did not hold at an instant."""
    return any(
        each.rule == rule and each.since <= at and (each.until is None or at < each.until)
        for each in lifts
    )

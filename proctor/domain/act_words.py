"""What a learner reads of a proctor's acts, and of what is permitted to them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from proctor.domain.acts import REASON_WORDS, Act, ActKind
from proctor.domain.flag_words import duration_words, rule_words
from proctor.domain.policy import Policy
from proctor.domain.session import ExamSession
from proctor.domain.timing import NO_TIME

# Of these the learner reads nothing until a session is ended in fact.
_UNTOLD = frozenset({ActKind.WITHDRAW_TERMINATE})
_OF_A_PROPOSAL = frozenset(
    {ActKind.TERMINATE, ActKind.CONFIRM_TERMINATE, ActKind.WITHDRAW_TERMINATE}
)
_LAPSED = " Nobody confirmed it in time, so it lapsed."


def told(acts: Sequence[Act]) -> tuple[Act, ...]:
    """Return the acts that the learner may read of: not who proposed to end it, nor who withdrew.

    What was confirmed is told by the confirmation.
    """
    hidden = {each.id for each in acts if each.proposal}
    return tuple(
        each
        for each in acts
        if each.kind not in _UNTOLD
        and each.id not in hidden
        and not (each.kind is ActKind.UNDO and each.of in hidden)
    )


def act_words(act: Act, session: ExamSession, policy: Policy) -> str:
    """Return what was done, and what became of it, as a sentence: "A proctor paused your exam: …".

    Args:
        act: What was done.
        session: In which it was.
        policy: The session's.
    """
    reason = reason_words(act)
    why = f": {reason}" if reason else ""
    became = _LAPSED if lapsed(act, session) else ""
    return f"{_did(act, session.acts, policy)}{why}.{became}"


def reason_words(act: Act) -> str:
    """Return the reason of an act from the list, in words; empty where it has none."""
    return REASON_WORDS.get(act.code, "")


def lapsed(act: Act, session: ExamSession) -> bool:
    """Tell whether an act proposed to end the session, and nobody has confirmed it in time."""
    standing = session.termination
    if not act.proposal or act.undone or (standing is not None and standing.at == act.at):
        return False
    later = session.acts[session.acts.index(act) + 1 :]
    answer = next((each.kind for each in later if each.kind in _OF_A_PROPOSAL), None)
    return answer in {None, ActKind.TERMINATE}  # one that is proposed anew was not confirmed


def lifted_words(session: ExamSession, policy: Policy) -> tuple[str, ...]:
    """Return the rules, in words, that do not hold for a learner now."""
    return tuple(
        words for lift in session.lifts if lift.until is None for words in _rules(lift.rule, policy)
    )


def permitted_words(session: ExamSession, policy: Policy) -> tuple[str, ...]:
    """Return what one learner is permitted beside what all are; never why."""
    allowance = session.allowance
    words = []
    if allowance.time_factor != 1:
        factor = allowance.time_factor.quantize(Decimal("0.001")).normalize()
        words.append(f"{factor:f} times the time")
    if allowance.extra > NO_TIME:
        extra = duration_words(allowance.extra.total_seconds())
        words.append(f"{extra} more for each section")
    words += [f"Rule lifted: {rule}" for rule in lifted_words(session, policy)]
    return tuple(words)


def _did(act: Act, acts: Sequence[Act], policy: Policy) -> str:
    match act.kind:
        case ActKind.MESSAGE if act.to_all:
            return "A proctor wrote to everybody who sits this exam"
        case ActKind.MESSAGE:
            return "A proctor wrote to you"
        case ActKind.ASK_STILL:
            return "A proctor asked for a new picture"
        case ActKind.ASK_ID:
            return "A proctor asked you to take the pictures of your ID check again"
        case ActKind.PAUSE:
            return "A proctor paused your exam"
        case ActKind.RESUME:
            return "A proctor resumed your exam"
        case ActKind.EXTRA_TIME:
            return f"A proctor gave you {duration_words(act.seconds)} more"
        case ActKind.LIFT_RULE:
            return f"A proctor lifted a rule for you, “{_rule(act.rule, policy)}”"
        case ActKind.RESTORE_RULE:
            return f"A proctor put a rule in force again, “{_rule(act.rule, policy)}”"
        case ActKind.ADMIT_DEVICE:
            return "A proctor let your other computer in"
        case ActKind.REFUSE_DEVICE:
            return "A proctor did not let another computer in"
        case ActKind.TERMINATE if act.proposal:
            return "A proctor proposed to end the exam"
        case ActKind.TERMINATE | ActKind.CONFIRM_TERMINATE:
            return "A proctor ended your exam"
        case ActKind.WITHDRAW_TERMINATE:
            return "A proctor withdrew the proposal to end the exam"
        case ActKind.IRREGULARITY:
            return f"A proctor noted an irregularity of the {act.of}"
        case ActKind.ANSWER:
            return "A proctor answered you"
        case ActKind.UNDO:
            return _undid(act, acts, policy)
        case _:
            assert_never(act.kind)


def _undid(act: Act, acts: Sequence[Act], policy: Policy) -> str:
    undone = next(each for each in acts if each.id == act.of)
    match undone.kind:
        case ActKind.PAUSE:
            return "A proctor ended the pause"
        case ActKind.EXTRA_TIME:
            given = f"the {duration_words(undone.seconds)} given by mistake"
            if 0 < act.seconds < undone.seconds:  # no more of it was left
                given = f"{duration_words(act.seconds)} of {given}"
            return f"A proctor took back {given}"
        case ActKind.LIFT_RULE:
            return f"A proctor put a rule in force again, “{_rule(undone.rule, policy)}”"
        case ActKind.TERMINATE:
            return "A proctor withdrew the proposal to end the exam"
        case ActKind.ADMIT_DEVICE:
            return "A proctor gave the exam back to the computer before"
        case ActKind.REFUSE_DEVICE:
            return "A proctor took back that another computer was not let in: it waits again"
        case _:
            return "A proctor struck a note of an irregularity"


def _rules(when: str, policy: Policy) -> tuple[str, ...]:
    return tuple(rule_words(rule) for rule in policy.flags if rule.when == when)


def _rule(when: str, policy: Policy) -> str:
    return "; ".join(_rules(when, policy))

"""A contest: what a learner answers to a decision, within the days that the policy gives.

Refusal
├── ContestOver           the days are over, or the policy gives none
├── ContestEmpty          it says nothing
├── ContestTooLarge       more, or longer, than can be kept
├── ContestOfUnknownFlag  it answers a flag that was not raised
└── AttachmentsNotTaken   nothing can be stored for this session any more
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from proctor.domain.errors import Refusal

MAX_CONTEST_CHARS = 4000  # of its text, and of each flag's: a record of the log holds one
MAX_CONTEST_CHARS_IN_ALL = 40_000  # some ten pages: a person reads all of it
MAX_CONTEST_FLAGS = 200  # far more than a person answers one by one
MAX_ATTACHMENTS = 5
MAX_ATTACHMENT_BYTES = 2 * 1024 * 1024  # a page photographed by a phone, or a scan
MAX_ATTACHMENT_NAME_CHARS = 120


class ContestOver(Refusal):
    code = "contest-over"

    def __init__(self, *, until: datetime | None) -> None:
        when = f"was until {until.isoformat()}" if until else "is not possible in this exam"
        super().__init__(f"answering the decision {when}")
        self.until = until


class ContestEmpty(Refusal):
    code = "contest-empty"

    def __init__(self) -> None:
        super().__init__("an answer says something: in its text, or to a flag")


class ContestTooLarge(Refusal):
    code = "contest-too-large"

    def __init__(self, *, what: str, at_most: int) -> None:
        super().__init__(f"{what}: at most {at_most}")
        self.what = what
        self.at_most = at_most


class ContestOfUnknownFlag(Refusal):
    code = "contest-of-unknown-flag"

    def __init__(self, *, flag: str) -> None:
        super().__init__(f"no flag {flag} was raised, or it is answered twice")
        self.flag = flag


class AttachmentsNotTaken(Refusal):
    code = "attachments-not-taken"

    def __init__(self) -> None:
        super().__init__("the pictures of this session are erased, and no file can be added to it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file beside an answer; its bytes are a blob of the session."""

    name: str
    sha256: str
    size: int
    type: str  # as the learner's browser says; nothing is decided by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What the learner answers."""

    text: str
    at: datetime  # aware UTC, server clock
    flags: tuple[tuple[str, str], ...] = ()  # (flag's id, the answer to it)
    attachments: tuple[Attachment, ...] = ()
    # How many verdicts the contested decision rests on: later ones are about the answer.
    rests_on: int = 0


def require_sound(contest: Contest, *, raised: Collection[str]) -> None:
    """Refuse an answer that says nothing, is too large, or answers what was not raised.

    Args:
        contest: The learner's.
        raised: The ids of the flags of the session.

    Raises:
        ContestEmpty, ContestTooLarge, ContestOfUnknownFlag: As their names say.
    """
    texts = [contest.text, *(text for _, text in contest.flags)]
    if not any(text.strip() for text in texts):
        raise ContestEmpty
    if max(map(len, texts)) > MAX_CONTEST_CHARS:
        raise ContestTooLarge(what="characters in one answer", at_most=MAX_CONTEST_CHARS)
    if sum(map(len, texts)) > MAX_CONTEST_CHARS_IN_ALL:
        raise ContestTooLarge(
            what="characters in all answers together", at_most=MAX_CONTEST_CHARS_IN_ALL
        )
    if len(contest.flags) > MAX_CONTEST_FLAGS:
        raise ContestTooLarge(what="flags answered", at_most=MAX_CONTEST_FLAGS)
    answered: set[str] = set()
    for flag, _ in contest.flags:
        if flag not in raised or flag in answered:
            raise ContestOfUnknownFlag(flag=flag)
        answered.add(flag)
    if len(contest.attachments) > MAX_ATTACHMENTS:
        raise ContestTooLarge(what="files", at_most=MAX_ATTACHMENTS)
    if any(each.size > MAX_ATTACHMENT_BYTES for each in contest.attachments):
        raise ContestTooLarge(what="bytes in one file", at_most=MAX_ATTACHMENT_BYTES)

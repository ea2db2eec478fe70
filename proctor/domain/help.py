"""A learner's call for a person: a question, a raised hand, a technical fault. And the answer."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from proctor.domain.errors import Refusal

MAX_MESSAGE_CHARS = 2000


class Topic(StrEnum):
    QUESTION = "question"
    HAND = "hand"
    FAULT = "fault"


class NobodyCalls(Refusal):
    code = "nobody-calls"

    def __init__(self) -> None:
        super().__init__("this learner waits for no answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a learner called a person for. Its words stand in the device's record, not here."""

    topic: Topic  # of the first; of a raised hand, what was asked after it
    since: datetime  # the first that was not answered; aware UTC, server clock
    # The record of that first message; calls that were stored before this was kept have none.
    device: str = ""
    seq: int = -1
    answer: str = ""  # a proctor's words, for the learner to read
    answered_by: str = ""
    answered_at: datetime | None = None

    @property
    def waits(self) -> bool:
        return self.answered_at is None


def call(
    before: Call | None, topic: Topic, *, raised: bool, now: datetime, device: str, seq: int
) -> Call | None:
    """Return the call after a message, which is record `seq` of `device`.

    `raised` false takes a hand down, and nothing else.
    """
    waits = before is not None and before.waits
    if topic is Topic.HAND and not raised:
        return None if waits and before and before.topic is Topic.HAND else before
    if not waits or before is None:
        return Call(topic=topic, since=now, device=device, seq=seq)
    # One who waits goes on waiting since then; what else they say is read with it. But what was
    # asked is not taken down with a hand.
    return replace(before, topic=topic) if before.topic is Topic.HAND else before


def answer(before: Call | None, words: str, *, by: str, now: datetime) -> Call:
    """Return the call, answered.

    Raises:
        NobodyCalls: None waits for an answer.
    """
    if before is None or not before.waits:
        raise NobodyCalls
    return replace(before, answer=words, answered_by=by, answered_at=now)

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proctor.domain.help import Call, NobodyCalls, Topic, answer, call

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
HAND = Call(topic=Topic.HAND, since=NOW)
QUESTION = Call(topic=Topic.QUESTION, since=NOW)
FAULT = Call(topic=Topic.FAULT, since=LATER, device="d_1", seq=7)
ANSWERED = answer(QUESTION, "yes", by="bo", now=NOW)


@pytest.mark.parametrize(
    ("before", "topic", "raised", "after"),
    [
        pytest.param(None, Topic.HAND, True, replace(FAULT, topic=Topic.HAND), id="first"),
        pytest.param(QUESTION, Topic.FAULT, True, QUESTION, id="one who waits waits on"),
        pytest.param(ANSWERED, Topic.FAULT, True, FAULT, id="a new one"),
        pytest.param(HAND, Topic.HAND, False, None, id="a hand taken down"),
        pytest.param(HAND, Topic.HAND, True, HAND, id="a hand that is up already"),
        pytest.param(HAND, Topic.QUESTION, True, QUESTION, id="asked with a hand up"),
        pytest.param(None, Topic.HAND, False, None, id="no hand to take down"),
        pytest.param(QUESTION, Topic.HAND, False, QUESTION, id="a question is not taken down"),
        pytest.param(ANSWERED, Topic.HAND, False, ANSWERED, id="an answer stays"),
        pytest.param(None, Topic.FAULT, False, FAULT, id="no hand at all"),
    ],
)
def test_a_message_calls_a_person(
    before: Call | None, topic: Topic, raised: bool, after: Call | None
) -> None:
    assert call(before, topic, raised=raised, now=LATER, device="d_1", seq=7) == after


def test_an_answer_ends_the_wait() -> None:
    answered = answer(HAND, "on my way", by="bo", now=LATER)
    assert not answered.waits
    assert (answered.answer, answered.answered_by, answered.since) == ("on my way", "bo", NOW)


@pytest.mark.parametrize(
    "before", [pytest.param(None, id="no call"), pytest.param(ANSWERED, id="answered already")]
)
def test_who_does_not_call_gets_no_answer(before: Call | None) -> None:
    with pytest.raises(NobodyCalls):
        answer(before, "hello", by="bo", now=LATER)

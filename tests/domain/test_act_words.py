"""What a learner reads of an act is what the proctor was shown beforehand.

The page previews an act before anything is sent, in its own language's words. The file of vectors
says what both must say; client/web/tests/console/act-words.test.ts reads it, too.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proctor.domain.act_words import act_words, reason_words
from proctor.domain.acts import Act, ActKind
from proctor.domain.flag_words import rule_words
from proctor.domain.policy import FlagRule, Policy, TimeRules
from proctor.domain.session import ExamSession, SectionRun, State

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "act-words.json").read_text())
START = datetime(2026, 6, 1, 10, tzinfo=UTC)
POLICY = Policy(
    id="p",
    title="P",
    time=TimeRules(give_back="all", after_s=10, most_s=600),
    flags=tuple(FlagRule(when=when, **more) for when, more in VECTORS["policy"].items()),
)


@pytest.mark.parametrize(
    "case", VECTORS["cases"], ids=lambda case: f"{case['act']}: {case['words']}"
)
def test_an_act_is_told_in_the_words_of_the_vectors(case: dict[str, Any]) -> None:
    facts = {name: case[name] for name in ("code", "seconds", "rule", "of") if name in case}
    done = Act(id="a1", kind=ActKind(case["act"]), by="bo", at=START, **facts)
    session = ExamSession(
        id="s_1",
        exam="sds",
        exam_sha256="e" * 64,
        policy_sha256="p" * 64,
        learner="Ada",
        made_at=START,
        sections=(SectionRun(id="a", limit=timedelta(hours=1)),),
        in_order=True,
        state=State.RUNNING,
        acts=(done,),
    )
    assert act_words(done, session, POLICY) == case["words"]
    # What the page puts in the place of a reason and of a rule, the server serves.
    assert reason_words(done) == case.get("reason", "")
    rules = [rule_words(rule) for rule in POLICY.flags if rule.when == case.get("rule")]
    assert "; ".join(rules) == case.get("rule_words", "")

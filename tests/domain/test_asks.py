from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.acts import Lift
from proctor.domain.asks import (
    ASKS_MOST,
    IN_CHECK_IN,
    QualityAsk,
    ask_in_check_in,
    ask_rules,
    asks_of,
    wanting,
)
from proctor.domain.identity import IdCheck, IdState
from proctor.domain.observation import Face, Measured, Observation
from proctor.domain.policy import WHENS, FlagRule, Policy, When
from proctor.domain.session import (
    ExamSession,
    SectionRun,
    State,
    ask_ended_at,
    with_asks,
)

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
GOOD = Measured(
    faces=(Face(x=1, y=2, width=3, height=4, score=0.9),), dark=False, covered=False, frozen=False
)
DARK = replace(GOOD, dark=True)
EMPTY = replace(GOOD, faces=())
TWO = replace(GOOD, faces=GOOD.faces and GOOD.faces * 2)
BLIND = Measured(unavailable=("picture: not an image that can be read",))
ALL = Policy(id="p", title="P", flags=tuple(FlagRule(when=when, for_s=60) for when in WHENS))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def taken(*seen: Measured, first: int = 0, device: str = "d") -> list[Observation]:
    return [
        Observation(
            device=device, seq=number, sha256="0" * 64, at=at(10 * number), measured=measured
        )
        for number, measured in enumerate(seen, first)
    ]


def asked(*pictures: Observation, policy: Policy = ALL) -> list[tuple[When, float, float | None]]:
    """Return kind, since and until in seconds."""
    return [
        (
            ask.kind,
            (ask.since - START).total_seconds(),
            None if ask.until is None else (ask.until - START).total_seconds(),
        )
        for ask in asks_of(policy, pictures, lambda _: "a")
    ]


@pytest.mark.parametrize(
    ("seen", "asks"),
    [
        pytest.param([GOOD] * 5, [], id="nothing is wanting"),
        pytest.param([GOOD, DARK, GOOD], [], id="one dark snapshot"),
        pytest.param([GOOD, DARK, DARK], [("dark", 10, None)], id="two, long before it is a flag"),
        pytest.param([DARK, DARK, GOOD], [("dark", 0, None)], id="one good one is no end"),
        pytest.param([DARK, DARK, GOOD, GOOD], [("dark", 0, 20)], id="two good ones are"),
        pytest.param([DARK, DARK, BLIND], [("dark", 0, 10)], id="what is not measured ends it"),
        pytest.param([DARK, DARK, GOOD, DARK, GOOD, GOOD], [("dark", 0, 40)], id="a minute, once"),
        pytest.param([DARK, DARK, EMPTY, EMPTY],
                     [("dark", 0, 20), ("no-face", 20, None)], id="one after the other"),
        pytest.param([BLIND, BLIND, GOOD, GOOD],
                     [("camera-lost", 0, 20)], id="what is no picture"),
        pytest.param([TWO] * 20, [], id="conduct is nothing to be asked for"),
    ],
)  # fmt: skip
def test_a_learner_is_asked_as_soon_as_two_snapshots_lack_it(
    seen: list[Measured], asks: list[tuple[When, float, float | None]]
) -> None:
    assert asked(*taken(*seen)) == asks


def test_nobody_is_asked_for_what_the_policy_has_no_rule_about() -> None:
    policy = replace(ALL, flags=(FlagRule(when="covered"), FlagRule(when="person-count")))
    assert [rule.when for rule in ask_rules(policy)] == ["covered"]
    assert asked(*taken(*[DARK] * 5), policy=policy) == []
    assert wanting(ask_rules(policy), DARK) == frozenset()
    assert wanting(ask_rules(ALL), DARK) == {"dark"}


def test_a_rules_own_limit_is_that_of_the_ask() -> None:
    policy = replace(ALL, flags=(FlagRule(when="dark", below=30),))
    lamp = replace(DARK, light_mean=35.0)
    assert asked(*taken(lamp, lamp), policy=policy) == []


def test_two_rules_and_two_cameras_ask_once_at_a_time() -> None:
    twice = replace(ALL, flags=(FlagRule(when="dark"), FlagRule(when="dark", below=30)))
    dim = replace(DARK, light_mean=20.0)
    assert asked(*taken(dim, dim, GOOD, GOOD), policy=twice) == [("dark", 0, 20)]
    other = taken(DARK, DARK, DARK, DARK, GOOD, GOOD, device="e")
    assert asked(*taken(DARK, DARK, GOOD, GOOD), *other) == [("dark", 0, 40)]
    assert asked(*taken(DARK, DARK), *other) == [("dark", 0, None)]
    assert asked(*taken(DARK, DARK, GOOD, GOOD), *other[:4]) == [("dark", 0, None)]
    apart = taken(DARK, DARK, first=9)
    assert asked(*taken(DARK, DARK, GOOD, GOOD), *apart) == [("dark", 0, 20), ("dark", 90, None)]


def test_a_pause_ends_what_it_began_before() -> None:
    pictures = [*taken(DARK, DARK), *taken(DARK, DARK, first=20)]
    assert asked(*pictures) == [("dark", 0, 10), ("dark", 200, None)]


def test_of_many_the_newest_are_kept_and_those_before_are_counted() -> None:
    pictures = taken(*[DARK, DARK, GOOD, GOOD] * 50)
    all_of_them = asks_of(ALL, pictures, lambda _: "a")
    assert len(all_of_them) == 50
    kept = with_asks(SESSION, all_of_them)
    assert kept.asks == all_of_them[-ASKS_MOST:]
    assert kept.asked_before == (("dark", 20.0 * (50 - ASKS_MOST)),)
    # Made anew of all, as after every picture: nothing is counted twice.
    assert with_asks(kept, all_of_them) == kept
    assert with_asks(kept, all_of_them[:ASKS_MOST]).asked_before == ()


def test_what_goes_on_is_kept_however_old_it_is() -> None:
    going_on = QualityAsk(kind="covered", section="a", since=at(0))
    ended = [
        QualityAsk(kind="dark", section="a", since=at(10 * n), until=at(10 * n + 5))
        for n in range(ASKS_MOST)
    ]
    kept = with_asks(SESSION, [going_on, *ended])
    assert kept.asks == (going_on, *ended[1:])
    assert kept.asked_before == (("dark", 5.0),)


@given(st.lists(st.sampled_from([GOOD, DARK, EMPTY, TWO, BLIND]), max_size=40), st.randoms())
def test_the_order_in_which_pictures_came_does_not_matter(
    seen: list[Measured], shuffler: "object"
) -> None:
    pictures = taken(*seen)
    expected = asked(*pictures)
    shuffler.shuffle(pictures)  # type: ignore[attr-defined] # hypothesis gives a Random
    assert asked(*pictures) == expected


def test_nobody_is_asked_for_what_a_lifted_rule_is_about() -> None:
    pictures = taken(DARK, DARK, DARK, GOOD, GOOD, DARK, DARK, DARK)
    lift = Lift(rule="dark", since=at(25), until=at(60))
    (first, second) = asks_of(ALL, pictures, lambda _: "a", lifts=(lift,))
    assert (first.since, first.until) == (START, at(20))
    assert (second.since, second.until) == (at(60), None)


# --- as long as somebody could look -------------------------------------------------------------

SESSION = ExamSession(
    id="s",
    exam="e",
    exam_sha256="0" * 64,
    policy_sha256="0" * 64,
    learner="Ada",
    made_at=START,
    sections=(SectionRun(id="a", limit=timedelta(hours=2), opened_at=START),),
    in_order=True,
)
ASK = QualityAsk(kind="dark", section="a", since=at(60))


def test_an_ask_goes_on_until_it_ends() -> None:
    assert ask_ended_at(SESSION, ASK) is None
    assert ask_ended_at(SESSION, replace(ASK, until=at(90))) == at(90)


def test_an_ask_ends_with_its_section_and_with_contact_lost() -> None:
    closed = replace(SESSION.sections[0], closed_at=at(7200))
    assert ask_ended_at(replace(SESSION, sections=(closed,)), ASK) == at(7200)
    assert ask_ended_at(replace(SESSION, lost_at=at(100)), ASK) == at(100)
    assert ask_ended_at(replace(SESSION, lost_at=at(50)), ASK) == at(60)


def test_a_face_that_was_not_found_at_check_in_is_asked_for_at_once() -> None:
    (empty,) = taken(EMPTY)
    assert ask_in_check_in(empty) == (QualityAsk(kind="no-face", section=IN_CHECK_IN, since=START),)
    for each in (*taken(GOOD, TWO, BLIND), None):
        assert ask_in_check_in(each) == ()


def test_it_is_asked_for_until_the_learner_goes_on_with_what_was_shown() -> None:
    ask = QualityAsk(kind="no-face", section=IN_CHECK_IN, since=at(10))
    session = ExamSession(
        id="s",
        exam="e",
        exam_sha256="",
        policy_sha256="",
        learner="Ada",
        sections=(),
        made_at=START,
        in_order=False,
        state=State.CHECK_IN,
    )
    assert ask_ended_at(session, ask) is None
    captured = IdCheck(state=IdState.CAPTURED, captured_at=at(30))
    assert ask_ended_at(replace(session, id_check=captured), ask) == at(30)
    # New pictures were asked for, and this is one of them.
    before = IdCheck(state=IdState.RETAKE, captured_at=at(5))
    assert ask_ended_at(replace(session, id_check=before), ask) is None
    vouched = IdCheck(state=IdState.ACCEPTED, decided_at=at(20), vouched=True)
    ready = replace(session, state=State.READY, id_check=vouched)
    assert ask_ended_at(ready, ask) == at(20)
    assert ask_ended_at(replace(ready, id_check=IdCheck()), ask) == at(10)

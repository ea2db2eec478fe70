"""What the clock does: examples at the edges, laws, and a model that counts second by second."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proctor.domain.errors import Refusal
from proctor.domain.moves import Actor
from proctor.domain.policy import GiveBack, TimeRules
from proctor.domain.session import (
    ENDED,
    HAND_IN_GRACE,
    ExamSession,
    SectionEvent,
    SectionRun,
    SectionState,
    State,
    closes_at,
    contact_back,
    contact_lost,
    grant,
    hand_in_section,
    open_section,
    pause,
    resume,
    settle,
    submit,
    terminate,
)
from proctor.domain.timing import NO_TIME, Allowance, Cause, section_closes_at, total

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
RULES = TimeRules(give_back="all", after_s=10, most_s=600)
GRACE_S = HAND_IN_GRACE.total_seconds()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def ready(
    *,
    ids: str = "a",
    limit_s: float = 3600,
    window_s: float | None = None,
    allowance: Allowance | None = None,
) -> ExamSession:
    return ExamSession(
        id="s_1",
        exam="sds",
        exam_sha256="e" * 64,
        policy_sha256="p" * 64,
        learner="Ada",
        made_at=at(-9000),
        sections=tuple(SectionRun(id=each, limit=s(limit_s)) for each in ids),
        in_order=True,
        state=State.READY,
        starts_at=None if window_s is None else START,
        ends_at=None if window_s is None else at(window_s),
        allowance=allowance or Allowance(),
    )


def running(*, ids: str = "a", window_s: float | None = None) -> ExamSession:
    return open_section(ready(ids=ids, window_s=window_s), ids[0], now=START)


def settled(session: ExamSession, now_s: float, rules: TimeRules = RULES) -> ExamSession:
    return settle(session, now=at(now_s), rules=rules)


def closed(session: ExamSession, section: str = "a") -> float | None:
    ends = session.section(section).closed_at
    return None if ends is None else (ends - START).total_seconds()


def given_s(session: ExamSession, section: str = "a", cause: Cause | None = None) -> float:
    return total(session.ledger, section, cause).total_seconds()


# A deadline


@pytest.mark.parametrize("now_s", [3600, 3601, 3600 + 86400])
def test_a_section_closes_at_its_deadline_however_late_it_is_noticed(now_s: float) -> None:
    session = settled(running(), now_s)

    assert closed(session) == 3600
    assert session.section("a").closed_by is SectionEvent.TIME_UP


def test_a_section_is_open_until_its_deadline() -> None:
    assert settled(running(), 3599.999) == running()


def test_a_deadline_closes_one_section_and_leaves_the_next_planned() -> None:
    session = settled(running(ids="ab"), 10**6)

    assert session.state is State.RUNNING
    assert session.section("b").state is SectionState.PLANNED


# The end


def test_who_does_not_hand_in_is_handed_in_by_the_clock_after_a_grace() -> None:
    assert settled(running(), 3600 + GRACE_S - 0.001).state is State.RUNNING

    for now_s in (3600 + GRACE_S, 10**6):
        session = settled(running(), now_s)
        assert (session.state, session.closed_by) == (State.SUBMITTED, Actor.CLOCK)
        assert session.closed_at == at(3600 + GRACE_S)


def test_the_grace_runs_from_the_last_section_closed() -> None:
    session = hand_in_section(running(), "a", now=at(100))

    assert settled(session, 10**6).closed_at == at(100 + GRACE_S)


@pytest.mark.parametrize("state", [State.INVITED, State.CHECK_IN, State.READY])
def test_what_was_never_begun_expires_with_the_window(state: State) -> None:
    session = replace(ready(ids="ab", window_s=8000), state=state)

    assert settled(session, 7999.999) == session
    expired = settled(session, 10**6)

    assert (expired.state, expired.closed_by) == (State.EXPIRED, Actor.CLOCK)
    assert expired.closed_at == at(8000)
    assert [closed(expired, each) for each in "ab"] == [8000, 8000]
    assert {each.closed_by for each in expired.sections} == {SectionEvent.CUT}


@pytest.mark.parametrize("state", [State.INVITED, State.CHECK_IN, State.READY])
def test_what_was_never_begun_waits_where_there_is_no_window(state: State) -> None:
    session = replace(ready(), state=state)

    assert settled(session, 10**8) == session


def test_sections_not_opened_by_the_end_of_the_window_closed_then() -> None:
    session = hand_in_section(running(ids="ab", window_s=8000), "a", now=at(100))

    assert settled(session, 8000 + GRACE_S - 0.001) == session
    session = settled(session, 10**6)

    assert session.closed_at == at(8000 + GRACE_S)
    assert [closed(session, each) for each in "ab"] == [100, 8000]
    assert session.section("b").closed_by is SectionEvent.CUT


@pytest.mark.parametrize("end", ["submit", "terminate"])
def test_an_ended_session_is_not_touched(end: str) -> None:
    session = (submit if end == "submit" else terminate)(running(ids="ab"), now=at(50))

    assert settled(session, 10**6) == session


# An outage and the deadline


def test_an_outage_over_the_deadline_moves_it_until_contact_is_back() -> None:
    session = contact_lost(running(), at=at(3500))

    for now_s in (3600, 3700, 4000):
        assert settled(session, now_s) == session
    session = contact_back(settled(session, 3700), now=at(3700), rules=RULES)

    assert (closed(session), given_s(session)) == (None, 200)
    # The 100 s that were left when contact was lost are left now.
    assert closes_at(session, session.section("a")) == at(3800)


@pytest.mark.parametrize("now_s", [4200, 4201, 10**6])
def test_an_outage_that_uses_up_the_most_closes_the_section_that_much_later(now_s: float) -> None:
    session = settled(contact_lost(running(), at=at(3500)), now_s)

    assert (closed(session), given_s(session)) == (4200, 600)
    assert [(e.cause, e.at) for e in session.ledger] == [(Cause.OUTAGE, at(4200))]
    assert settled(contact_lost(running(), at=at(3500)), 4199.999).ledger == ()


def test_contact_back_after_the_most_was_used_up_gives_nothing_more() -> None:
    session = settled(contact_lost(running(ids="ab"), at=at(3500)), 5000)

    back = contact_back(session, now=at(5000), rules=RULES)

    assert back == replace(session, lost_at=None)
    assert open_section(back, "b", now=at(5000)).section("b").opened_at == at(5000)


def test_contact_back_late_but_in_time_gets_the_most() -> None:
    session = contact_lost(running(), at=at(1000))

    back = contact_back(settled(session, 3000), now=at(3000), rules=RULES)

    assert given_s(back) == 600
    assert closed(settled(back, 10**6)) == 4200


def test_a_second_outage_gets_what_the_first_left() -> None:
    session = contact_back(contact_lost(running(), at=at(100)), now=at(600), rules=RULES)
    session = contact_lost(session, at=at(700))

    back = contact_back(settled(session, 1200), now=at(1200), rules=RULES)

    assert [entry.given for entry in back.ledger] == [s(500), s(100)]


def test_once_the_most_is_used_up_an_outage_over_the_deadline_moves_nothing() -> None:
    session = contact_back(contact_lost(running(), at=at(100)), now=at(1000), rules=RULES)
    session = contact_lost(session, at=at(4000))

    assert closed(settled(session, 4200)) == 4200


@pytest.mark.parametrize(
    ("lost_s", "closes_s"),
    [
        pytest.param(3590, 4200, id="after_s before the deadline"),
        pytest.param(3590.001, 3600, id="less than after_s before it"),
        pytest.param(3600, 3600, id="at it"),
    ],
)
def test_only_an_outage_that_took_after_s_of_the_section_moves_its_deadline(
    lost_s: float, closes_s: float
) -> None:
    assert closed(settled(contact_lost(running(), at=at(lost_s)), 10**6)) == closes_s


def test_an_outage_moves_nothing_where_the_policy_gives_none() -> None:
    none = TimeRules(give_back="none")

    assert closed(settled(contact_lost(running(), at=at(1000)), 10**6, none)) == 3600


@pytest.mark.parametrize("now_s", [3700, 3800, 10**6])
def test_the_window_cuts_an_outage_and_the_ledger_counts_up_to_it(now_s: float) -> None:
    session = settled(contact_lost(running(window_s=3700), at=at(3500)), now_s)

    assert (closed(session), given_s(session)) == (3700, 200)
    assert session.ledger[0].at == at(3700)


# A pause


@pytest.mark.parametrize("now_s", [200, 3600, 10**6])
def test_no_deadline_passes_while_paused(now_s: float) -> None:
    session = pause(running(), now=at(100))

    assert settled(session, now_s) == session


def test_what_was_due_before_a_pause_closed_before_it() -> None:
    # Nobody pauses an unsettled session; should one do so, the deadline stands.
    session = pause(running(ids="ab"), now=at(3700))

    assert closed(settled(session, 10**6)) == 3600


@pytest.mark.parametrize("now_s", [8000, 8001, 10**6])
def test_the_clock_ends_a_pause_with_the_window(now_s: float) -> None:
    paused = pause(running(ids="ab", window_s=8000), now=at(100))
    assert settled(paused, 7999.999) == paused

    session = settled(paused, now_s)

    assert (closed(session), session.section("a").closed_by) == (8000, SectionEvent.TIME_UP)
    assert [(e.given, e.cause, e.at) for e in session.ledger] == [(s(7900), Cause.PAUSE, at(8000))]
    assert session.paused_at is None


def test_who_was_paused_at_the_end_of_the_window_may_still_hand_in() -> None:
    session = settled(pause(running(window_s=8000), now=at(100)), 8100)

    assert session.state is State.RUNNING
    assert submit(session, now=at(8100)).closed_by is Actor.LEARNER
    assert settled(session, 10**6).closed_at == at(8000 + GRACE_S)


def test_a_pause_between_sections_ends_with_the_window_too() -> None:
    session = hand_in_section(running(ids="ab", window_s=8000), "a", now=at(50))
    session = pause(session, now=at(100))

    assert settled(session, 8000).state is State.RUNNING
    ended = settled(session, 10**6)

    assert (ended.closed_at, ended.ledger) == (at(8000 + GRACE_S), ())


def test_a_pause_with_nothing_left_to_hold_does_not_keep_the_clock_from_handing_in() -> None:
    session = pause(hand_in_section(running(), "a", now=at(50)), now=at(100))

    assert settled(session, 50 + GRACE_S - 0.001) == session
    ended = settled(session, 10**6)

    assert (ended.state, ended.closed_by) == (State.SUBMITTED, Actor.CLOCK)
    assert ended.closed_at == at(50 + GRACE_S)


def test_a_pause_after_the_window_holds_nothing() -> None:
    session = settled(running(ids="ab", window_s=8000), 8050)

    assert settled(pause(session, now=at(8050)), 10**6).closed_at == at(8000 + GRACE_S)


# A pause and an outage


def test_an_outage_before_and_through_a_pause_is_given_apart_from_it() -> None:
    session = contact_lost(running(), at=at(100))
    session = pause(settled(session, 150), now=at(150))
    session = resume(settled(session, 200), now=at(200), rules=RULES)
    session = contact_back(settled(session, 230), now=at(230), rules=RULES)

    assert [(e.cause, e.given, e.at) for e in session.ledger] == [
        (Cause.OUTAGE, s(50), at(150)),
        (Cause.PAUSE, s(50), at(200)),
        (Cause.OUTAGE, s(30), at(230)),
    ]


def test_an_outage_that_ends_in_a_pause_is_counted_up_to_the_pause() -> None:
    session = pause(contact_lost(running(), at=at(100)), now=at(150))
    session = contact_back(settled(session, 180), now=at(180), rules=RULES)
    session = resume(session, now=at(200), rules=RULES)

    assert [(e.cause, e.given) for e in session.ledger] == [
        (Cause.OUTAGE, s(50)),
        (Cause.PAUSE, s(50)),
    ]


def test_an_outage_inside_a_pause_gives_nothing_of_its_own() -> None:
    session = contact_lost(pause(running(), now=at(100)), at=at(120))
    session = contact_back(settled(session, 180), now=at(180), rules=RULES)
    session = resume(session, now=at(200), rules=RULES)

    assert [(e.cause, e.given) for e in session.ledger] == [(Cause.PAUSE, s(100))]


def test_an_outage_that_begins_in_a_pause_counts_from_its_end() -> None:
    session = contact_lost(pause(running(), now=at(100)), at=at(120))
    session = resume(settled(session, 200), now=at(200), rules=RULES)
    session = contact_back(settled(session, 260), now=at(260), rules=RULES)

    assert [(e.cause, e.given) for e in session.ledger] == [
        (Cause.PAUSE, s(100)),
        (Cause.OUTAGE, s(60)),
    ]


def test_a_loss_noticed_after_a_pause_does_not_give_the_pause_again() -> None:
    # Last heard at 100 s, paused from 105 s to 120 s, and only then is the silence noticed.
    session = resume(pause(running(), now=at(105)), now=at(120), rules=RULES)
    session = contact_lost(session, at=at(100))

    session = contact_back(settled(session, 160), now=at(160), rules=RULES)

    assert [(e.cause, e.given) for e in session.ledger] == [
        (Cause.PAUSE, s(15)),
        (Cause.OUTAGE, s(40)),
    ]


def test_a_pause_over_an_extended_deadline_keeps_what_was_left() -> None:
    session = contact_lost(running(), at=at(3500))
    session = pause(settled(session, 3650), now=at(3650))
    assert settled(session, 10**6) == session

    session = resume(settled(session, 5000), now=at(5000), rules=RULES)
    session = contact_back(session, now=at(5000), rules=RULES)

    assert closes_at(session, session.section("a")) == at(5100)


def test_when_the_window_ends_in_a_pause_an_outage_was_counted_up_to_the_pause() -> None:
    session = pause(contact_lost(running(window_s=8000), at=at(100)), now=at(150))

    session = settled(session, 10**6)

    assert [(e.cause, e.given) for e in session.ledger] == [
        (Cause.OUTAGE, s(50)),
        (Cause.PAUSE, s(7850)),
    ]
    assert closed(session) == 8000


# Laws, over histories of commands


Command = Literal[
    "lost", "lost earlier", "back", "pause", "resume", "grant", "open", "hand in", "submit", "end"
]
USUAL: tuple[Command, ...] = ("lost", "lost earlier", "back", "pause", "resume", "grant", "open")
ENDING: tuple[Command, ...] = ("hand in", "submit", "end")


@dataclass(frozen=True)
class Step:
    gap_ms: int
    command: Command
    looks: tuple[int, ...] = ()  # parts of the gap, in thousandths, at which somebody settles


@dataclass(frozen=True)
class History:
    session: ExamSession
    rules: TimeRules
    steps: tuple[Step, ...]


def act(session: ExamSession, command: Command, *, now: datetime, rules: TimeRules) -> ExamSession:
    section = next((x.id for x in session.sections if x.state is not SectionState.CLOSED), "b")
    match command:
        case "lost":
            return contact_lost(session, at=now)
        case "lost earlier":
            return contact_lost(session, at=max(START, now - s(20)))
        case "back":
            return contact_back(session, now=now, rules=rules)
        case "pause":
            return pause(session, now=now)
        case "resume":
            return resume(session, now=now, rules=rules)
        case "grant":
            return grant(session, section, s(33), reason="fire alarm", now=now)
        case "open":
            return open_section(session, section, now=now)
        case "hand in":
            return hand_in_section(session, section, now=now)
        case "submit":
            return submit(session, now=now)
        case "end":
            return terminate(session, now=now)


def play(history: History, *, looking: bool) -> list[tuple[datetime, ExamSession]]:
    """Return the session after each step, settled before it; `looking` settles in between too."""
    session, now = history.session, START
    passed = [(now, session)]
    for step in history.steps:
        gap = timedelta(milliseconds=step.gap_ms)
        for part in sorted(step.looks) if looking else ():
            session = settle(session, now=now + gap * part / 1000, rules=history.rules)
        now += gap
        session = settle(session, now=now, rules=history.rules)
        with suppress(Refusal):
            session = act(session, step.command, now=now, rules=history.rules)
        passed.append((now, session))
    return passed


gaps = st.one_of(
    st.integers(0, 200_000),
    # Round lengths meet deadlines, thresholds and each other exactly.
    st.sampled_from([0, 1, 9_999, 10_000, 20_000, 60_000, 100_000, 300_000, 1_000_000]),
)
time_rules = st.builds(
    TimeRules,
    give_back=st.sampled_from(["all", "all", "all", "none"]),
    after_s=st.sampled_from([0, 1, 10, 60]),
    most_s=st.sampled_from([0, 30, 100, 600]),
)
sessions = st.builds(
    lambda limit_s, window_s, factor, extra_s: open_section(
        ready(
            ids="abc",
            limit_s=limit_s,
            window_s=window_s,
            allowance=Allowance(time_factor=Decimal(factor), extra=s(extra_s)),
        ),
        "a",
        now=START,
    ),
    limit_s=st.sampled_from([100, 300]),
    window_s=st.sampled_from([None, 90, 250, 700, 2000]),
    factor=st.sampled_from(["1", "1.15", "1.5"]),
    extra_s=st.sampled_from([0, 20]),
)


def histories(commands: Sequence[Command]) -> st.SearchStrategy[History]:
    steps = st.builds(
        Step,
        gap_ms=gaps,
        command=st.sampled_from(list(commands)),
        looks=st.lists(st.integers(0, 1000), max_size=2).map(tuple),
    )
    return st.builds(
        History,
        session=sessions,
        rules=time_rules,
        steps=st.lists(steps, min_size=1, max_size=12).map(tuple),
    )


@given(histories((*USUAL, *USUAL, *ENDING)))
def test_it_does_not_matter_when_or_how_often_anybody_looks(history: History) -> None:
    assert play(history, looking=True) == play(history, looking=False)


@given(histories((*USUAL, *USUAL, *ENDING)), gaps, gaps)
def test_settling_twice_is_settling_once_at_the_later_time(
    history: History, first: int, second: int
) -> None:
    start, session = play(history, looking=False)[-1]
    t1 = start + timedelta(milliseconds=first)
    t2 = t1 + timedelta(milliseconds=second)
    once = settle(session, now=t1, rules=history.rules)

    assert settle(once, now=t1, rules=history.rules) == once
    assert settle(once, now=t2, rules=history.rules) == settle(session, now=t2, rules=history.rules)


@given(histories((*USUAL, *USUAL, *ENDING)))
def test_nothing_closes_in_the_future_or_after_the_window(history: History) -> None:
    for now, session in play(history, looking=False):
        ends = [each.closed_at for each in session.sections if each.closed_at is not None]
        window_end = session.ends_at or now
        assert all(end <= min(now, window_end) for end in ends)
        if session.state in ENDED:
            assert session.closed_at is not None
            assert max(ends) <= session.closed_at <= now
            assert len(ends) == len(session.sections)
            assert session.closed_by is not None
        elif session.ends_at is not None and now >= session.ends_at:
            assert session.section("a").state is SectionState.CLOSED


@given(histories((*USUAL, *USUAL, *ENDING)))
def test_what_has_closed_stays_closed_as_it_was(history: History) -> None:
    passed = [session for _, session in play(history, looking=False)]
    for before, after in pairwise(passed):
        assert after.ledger[: len(before.ledger)] == before.ledger
        for old, new in zip(before.sections, after.sections, strict=True):
            assert new == old or old.state is not SectionState.CLOSED
        assert after == before or before.state not in ENDED


@given(histories((*USUAL, *USUAL, *ENDING)))
def test_no_entry_of_the_ledger_is_empty_and_outages_give_no_more_than_the_most(
    history: History,
) -> None:
    _, session = play(history, looking=False)[-1]
    assert all(entry.given > NO_TIME for entry in session.ledger)
    for section in session.sections:
        assert total(session.ledger, section.id, Cause.OUTAGE) <= s(history.rules.most_s)


@given(histories((*USUAL, *USUAL, *ENDING)))
def test_no_second_is_given_twice(history: History) -> None:
    _, session = play(history, looking=False)[-1]
    for section in session.sections:
        spans = [
            (entry.at - entry.given, entry.at)
            for entry in session.ledger
            if entry.section == section.id and entry.cause is not Cause.PROCTOR
        ]
        assert spans == sorted(spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        if spans:
            assert section.opened_at is not None
            assert section.opened_at <= spans[0][0]
            assert section.closed_at is None or spans[-1][1] <= section.closed_at


@given(histories(USUAL))
def test_a_section_is_open_for_its_limit_its_allowance_and_its_ledger_or_until_the_window(
    history: History,
) -> None:
    _, session = play(history, looking=False)[-1]
    for section in session.sections:
        if section.closed_by is not SectionEvent.TIME_UP:
            continue
        assert section.opened_at is not None
        assert section.closed_at == section_closes_at(
            opened_at=section.opened_at,
            limit=section.limit,
            allowance=session.allowance,
            given=total(session.ledger, section.id),
            window_end=session.ends_at,
        )


# The same rules again, in another way: a model that counts one section's seconds one by one.

Happening = Literal["lost", "back", "pause", "resume"]
HORIZON_S = 400


@dataclass
class Count:
    """One section's seconds."""

    left: int
    rules: TimeRules
    given: int = 0  # by outages
    paused_for: int = 0
    lost: bool = False
    paused: bool = False
    silent: int = 0  # seconds of the outage so far, without pauses
    counts: bool = False  # it took after_s of the section

    def back_so_far(self) -> int:
        return min(self.silent, self.rules.most_s - self.given) if self.counts else 0

    def give(self) -> None:
        back = self.back_so_far()
        self.left += back
        self.given += back
        self.silent, self.counts = 0, False

    def happen(self, what: Happening) -> None:
        match what:
            case "lost":
                self.lost = True
            case "back":
                self.give()
                self.lost = False
            case "pause":
                self.give()
                self.paused = True
            case "resume":
                self.paused = False

    def tick(self) -> None:
        if self.paused:
            self.paused_for += 1
            return
        self.left -= 1
        if not self.lost:
            return
        self.silent += 1
        if self.left >= 0 and self.silent >= self.rules.after_s and self.rules.give_back == "all":
            self.counts = True


def counted(
    happenings: Sequence[tuple[int, Happening]],
    *,
    limit: int,
    window: int | None,
    rules: TimeRules,
) -> tuple[int | None, int, int]:
    """Return when the section closed, and the seconds that outages and pauses gave."""
    count = Count(left=limit, rules=rules)
    closed_at = None
    for second in range(HORIZON_S + 1):
        up = not count.paused and count.left + count.back_so_far() <= 0
        if up or second == window:
            count.give()
            closed_at = second
            break
        for when, what in happenings:
            if when == second:
                count.happen(what)
        if second < HORIZON_S:
            count.tick()
    return closed_at, count.given, count.paused_for


@given(
    happenings=st.lists(
        st.tuples(st.integers(0, 250), st.sampled_from(["lost", "back", "pause", "resume"])),
        max_size=10,
    ).map(lambda them: sorted(them, key=lambda each: each[0])),
    limit=st.integers(1, 150),
    window=st.one_of(st.none(), st.integers(1, 300)),
    give_back=st.sampled_from(["all", "all", "all", "none"]),
    after_s=st.integers(0, 30),
    most_s=st.integers(0, 120),
)
@example(happenings=[(90, "lost")], limit=100, window=None, give_back="all", after_s=10, most_s=50)
@example(happenings=[(91, "lost")], limit=100, window=None, give_back="all", after_s=10, most_s=50)
@example(
    happenings=[(90, "lost"), (100, "pause"), (200, "resume")],
    limit=100,
    window=180,
    give_back="all",
    after_s=10,
    most_s=50,
)
def test_settling_agrees_with_counting_the_seconds(
    *,
    happenings: list[tuple[int, Happening]],
    limit: int,
    window: int | None,
    give_back: GiveBack,
    after_s: int,
    most_s: int,
) -> None:
    rules = TimeRules(give_back=give_back, after_s=after_s, most_s=most_s)
    session = open_section(ready(ids="ab", limit_s=limit, window_s=window), "a", now=START)
    for when, what in happenings:
        session = settled(session, when, rules)
        if session.section("a").state is SectionState.CLOSED:
            break
        with suppress(Refusal):
            session = act(session, what, now=at(when), rules=rules)
    session = settled(session, HORIZON_S, rules)

    closed_at, by_outages, by_pauses = counted(happenings, limit=limit, window=window, rules=rules)

    assert closed(session) == closed_at
    if closed_at is not None:
        assert given_s(session, cause=Cause.OUTAGE) == by_outages
        assert given_s(session, cause=Cause.PAUSE) == by_pauses

"""Who has yet to decide learns nothing of what others said, whichever way they ask."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proctor.domain.errors import Refusal
from proctor.domain.review import SETTLED, FlagOutcome, Outcome, ReviewState
from proctor.evidence.record import Kind, parse
from proctor.evidence.verify import verify
from proctor.services import analysis as analysing
from proctor.services import reviews
from proctor.services.agreements import agreement_of
from proctor.services.contests import Contests
from proctor.services.exam_tables import ExamTables, Table
from proctor.services.outcomes import Outcomes
from proctor.services.views import view
from tests.services.house import House, Seat

PEOPLE = ("ann", "bo", "cy", "di", "ed")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


@dataclass
class Court:
    """A session that waits for people, and all that can be read of it."""

    house: House
    seat: Seat
    flag: str

    async def reads(self, me: str) -> Mapping[str, Any]:
        """Return all that a member of staff, their learner's device and the wall are shown."""
        house, session_id = self.house, self.seat.session
        case = await house.cases.get(session_id)
        published = await house.cases.published(case.session)
        outcomes = Outcomes(house.store, house.cases, house.results)
        tables = ExamTables(house.store)
        return {
            "queue": asdict(await house.reviews.queue(None, me=me, budget_min=10)),
            "timeline": asdict(await house.reviews.timeline(session_id, me=me)),
            "session": asdict(
                view(case.session, published, now=house.cases.now(), held_before=0, staff=True)
            ),
            "pushed to the learner": asdict(
                view(case.session, published, now=house.cases.now(), held_before=0)
            ),
            "outcome": asdict(await outcomes.of(session_id)),
            "learner's timeline": asdict(await outcomes.timeline(session_id)),
            "bundle": b"".join([part async for part in house.export.bundle(session_id)]),
            "agreement": asdict(await agreement_of(house.store, "short")),
            "tables": [[row async for row in tables.rows("short", each)] for each in Table],
        }


async def court() -> Court:
    house = House()
    await house.publish()
    invited = await house.invite()
    seat = Seat(house, await house.joined(invited.join_token), invited.session)
    await seat.connect()
    await seat.begin()
    for _ in range(4):
        await seat.snapshot(b"two")
    await seat.hand_in()
    (flag,) = await house.analysed(seat.session)
    return Court(house, seat, flag.id)


def comments_of_others(read: Mapping[str, Any], me: str) -> list[str]:
    return [each["by"] for each in read["timeline"]["comments"] if each["by"] != me]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["verdict", "verdict", "verdict", "comment", "assign", "contest"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(list(Outcome)),
    ),
    max_size=7,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, second_look=st.booleans())
async def test_whoever_has_yet_to_decide_reads_what_they_read_before(
    steps: list[tuple[str, str, Outcome]], second_look: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, as the clock stands still; but for their own comments and what all may see."""
    monkeypatch.setattr(reviews, "is_second_look", lambda *_, **__: second_look)
    here = await court()
    contests = Contests(here.house.store, here.house.cases)
    before = {me: await here.reads(me) for me in PEOPLE}
    gave: set[str] = set()
    for what, by, outcome in steps:
        try:
            if what == "verdict":
                flags = [(here.flag, FlagOutcome.UPHELD, f"{by} heard a voice")]
                await here.house.reviews.decide(
                    here.seat.session, by=by, outcome=outcome, reasons=f"{by} saw", flags=flags
                )
                gave.add(by)
            elif what == "contest":
                await contests.contest(here.seat.session, text="a mirror", flags=[], files=[])
                before = {me: await here.reads(me) for me in PEOPLE}
            elif what == "assign":
                await here.house.reviews.assign([here.seat.session], to=None, by=by, due_at=None)
            else:
                await here.house.reviews.note(
                    here.seat.session, by=by, at_ms=1, text=f"{by} doubts"
                )
                if by not in gave:
                    before[by] = await here.reads(by)
        except Refusal:
            continue
        review = (await here.house.cases.get(here.seat.session)).session.review
        if review.state in SETTLED:
            continue
        for me in set(PEOPLE) - {each.by for each in review.verdicts}:
            found = await here.reads(me)
            assert found == before[me]
            if review.contest is None:
                assert comments_of_others(found, me) == []


async def test_who_has_decided_reads_all_and_everybody_does_once_it_is_decided() -> None:
    here = await court()
    session_id = here.seat.session

    async def decide(by: str, outcome: Outcome) -> None:
        flags = await here.house.judged(session_id)
        await here.house.reviews.decide(
            session_id, by=by, outcome=outcome, reasons=f"{by} saw", flags=flags
        )

    await here.house.reviews.note(session_id, by="di", at_ms=1, text="a phone?")
    await decide("ann", Outcome.BREACH)
    await decide("bo", Outcome.CLEAR)
    for me, state, said, comments in (
        ("ann", "third-needed", 2, 1),
        ("bo", "third-needed", 2, 1),
        ("cy", "awaiting", 0, 0),
        ("di", "awaiting", 0, 1),
    ):
        shown = await here.house.reviews.timeline(session_id, me=me)
        assert (shown.review.state, len(shown.review.verdicts)) == (state, said)
        assert len(shown.comments) == comments
        assert shown.may_decide is (me in {"cy", "di"})
    await decide("cy", Outcome.BREACH)
    for me in PEOPLE:
        shown = await here.house.reviews.timeline(session_id, me=me)
        assert [each.by for each in shown.review.verdicts] == ["ann", "bo", "cy"]
        assert (shown.review.outcome, len(shown.comments)) == ("breach", 1)


async def test_the_log_tells_all_verdicts_in_their_order_once_it_is_decided() -> None:
    here = await court()
    size = len(await here.house.store.server_lines(here.seat.session))
    for by, outcome in (("ann", Outcome.BREACH), ("bo", Outcome.CLEAR), ("cy", Outcome.BREACH)):
        assert len(await here.house.store.server_lines(here.seat.session)) == size
        here.house.clock.pass_(60)
        await here.house.reviews.decide(
            here.seat.session,
            by=by,
            outcome=outcome,
            reasons=f"{by} saw",
            flags=[(here.flag, FlagOutcome.UPHELD, "a voice")],
        )
    told = [parse(line) for line in await here.house.store.server_lines(here.seat.session)]
    verdicts = [each.facts for each in told if each.kind is Kind.VERDICT]
    assert [(each["by"], each["outcome"]) for each in verdicts] == [
        ("ann", "breach"),
        ("bo", "clear"),
        ("cy", "breach"),
    ]
    first, _, last = (each["given_at_ms"] for each in verdicts)
    assert last - first == 120_000
    assert {each["review"] for each in verdicts} == {"decided"}
    assert verdicts[0]["flags"] == [{"flag": here.flag, "outcome": "upheld", "reason": "a voice"}]
    bundle = b"".join([part async for part in here.house.export.bundle(here.seat.session)])
    report = verify(bundle, server_key=here.house.key.verifier)
    assert report.holds, report.steps


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.just("contest"), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(list(Outcome)))
        ),
        max_size=8,
    ),
    second_look=st.booleans(),
)
async def test_no_way_leads_to_an_adverse_end_but_by_two(
    steps: list[Any], second_look: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "is_second_look", lambda *_, **__: second_look)
    here = await court()
    contests = Contests(here.house.store, here.house.cases)
    outcomes = Outcomes(here.house.store, here.house.cases, here.house.results)
    for step in steps:
        try:
            if step == "contest":
                await contests.contest(here.seat.session, text="a mirror", flags=[], files=[])
            else:
                by, outcome = step
                flags = await here.house.judged(here.seat.session)
                await here.house.reviews.decide(
                    here.seat.session, by=by, outcome=outcome, reasons="seen", flags=flags
                )
        except Refusal:
            continue
        told = await outcomes.of(here.seat.session)
        lines = await here.house.store.server_lines(here.seat.session)
        logged = [each for each in map(parse, lines) if each.kind is Kind.VERDICT]
        adverse = [each for each in logged if each.facts["outcome"] == "breach"]
        if told.outcome == "breach":
            assert len({each.facts["by"] for each in adverse}) >= 2
        review = (await here.house.cases.get(here.seat.session)).session.review
        assert (told.outcome is None) == (review.state not in {*SETTLED, ReviewState.CONTESTED})

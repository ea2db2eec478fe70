"""Practice sessions: made with a learner's link, seen by nobody, reported on, erased."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from proctor import config
from proctor.adapters import exams, policies, practice
from proctor.adapters.policy_schema import PolicyDoc
from proctor.domain.exam import Kind as ItemKind
from proctor.domain.flags import rules_of
from proctor.domain.policy import Policy, resources_for, watched_programs
from proctor.domain.rehearsal import PRACTICE_EXAM, NotARehearsal, TooManyRehearsals
from proctor.domain.session import SessionClosed, State
from proctor.evidence.record import Kind
from proctor.services import analysis as analysing
from proctor.services import intake
from proctor.services.ports import Case, NotFound
from proctor.services.rehearsals import ReadinessRow, Rehearsals
from proctor.services.retention import Retention
from proctor.services.sessions import Invitation, JoinLinkUnknown
from tests.services.house import House, Seat

BUILTIN = sorted(path.stem for path in policies.builtin_folder().glob("*.toml"))


@dataclass
class School:
    """A house where learners rehearse."""

    house: House = field(default_factory=House)

    def __post_init__(self) -> None:
        self.rehearsals = Rehearsals(
            self.house.store,
            self.house.cases,
            config.PRACTICE,
            token=config.token,
            new_id=config.new_id,
        )

    async def invited(self, learner: str = "Ada Lovelace", policy: str = "demo") -> Invitation:
        await self.house.publish(policy)
        return await self.house.invite(learner)

    async def seat(self, token: str) -> Seat:
        """Let a learner rehearse, up to the uplink."""
        made = await self.rehearsals.rehearse(token)
        seat = Seat(self.house, await self.house.joined(made.join_token), made.session)
        passed = self.house.clock.now().timestamp() * 1000
        seat.device.at_ms = int(passed)
        await seat.connect()
        return seat

    async def row(self, learner: str = "Ada Lovelace") -> ReadinessRow:
        rows = await self.rehearsals.readiness("short")
        (found,) = [row for row in rows if row.learner == learner]
        return found


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


@pytest.fixture
def school() -> School:
    return School()


async def report(seat: Seat, **statuses: str) -> None:
    rows = [{"check": check, "status": status, "facts": {}} for check, status in statuses.items()]
    await seat.send([seat.add(Kind.NOTICE, notice="readiness", rows=rows)])


async def whole(seat: Seat, **statuses: str) -> None:
    """Go the whole way of a rehearsal."""
    await seat.begin("rehearsal")
    await seat.answer("rehearsal", "week", "b")
    await report(seat, **statuses)
    await seat.hand_in()


# --- the practice exam -----------------------------------------------------------------------


def test_the_practice_exam_is_one_section_of_a_choice_a_number_and_a_text() -> None:
    exam = exams.parse_body(practice.exam_body())
    (section,) = exam.sections

    assert exam.id == PRACTICE_EXAM
    assert [item.kind for item in section.items] == [
        ItemKind.SINGLE_CHOICE,
        ItemKind.FILL_IN,
        ItemKind.SHORT_TEXT,
    ]
    assert "<math" in section.items[1].html
    assert section.limit <= timedelta(minutes=15)


def practiced(policy: str) -> tuple[Policy, Policy]:
    body = policies.load(policies.builtin_folder() / f"{policy}.toml").body
    return policies.parse_body(body), policies.parse_body(practice.policy_body(body))


@pytest.mark.parametrize("name", BUILTIN)
def test_whatever_a_policy_says_of_any_section_holds_in_the_practice_section(name: str) -> None:
    real, rehearsed = practiced(name)

    assert {replace(thing, sections=()) for thing in real.allow} == set(
        resources_for(rehearsed, "rehearsal")
    )
    assert {replace(rule, sections=()) for rule in real.flags} == set(rehearsed.flags)
    assert len(rules_of(rehearsed)) == len(set(rules_of(rehearsed)))
    assert (rehearsed.sections.order, rehearsed.sections.limit_s) == ((), 0)


@pytest.mark.parametrize("name", BUILTIN)
def test_a_rehearsal_waits_for_nobody_and_is_kept_a_week_at_most_and_is_else_the_same(
    name: str,
) -> None:
    real, rehearsed = practiced(name)

    assert not rehearsed.identity.hold
    assert rehearsed.retain.snapshots_days <= min(7, real.retain.snapshots_days)
    assert rehearsed.retain.id_document_days <= min(7, real.retain.id_document_days)
    assert replace(rehearsed.identity, hold=real.identity.hold) == real.identity
    for same in ("id", "title", "capture", "time", "system", "review"):
        assert getattr(rehearsed, same) == getattr(real, same)


def test_a_program_that_is_looked_for_in_one_section_alone_is_looked_for_in_a_rehearsal() -> None:
    loaded = policies.load(policies.builtin_folder() / "demo.toml").body
    doc = PolicyDoc.model_validate_json(loaded).model_dump(by_alias=True, exclude_none=True)
    rule = {"when": "program", "programs": ["an-odd-one"]}
    doc["flag"] += [{**rule, "sections": ["part-a"]}, {**rule, "sections": ["part-b"]}]
    body = practice.policy_body(json.dumps(doc).encode())

    assert "an-odd-one" in watched_programs(policies.parse_body(body), "rehearsal")
    rules = [each for each in policies.parse_body(body).flags if "an-odd-one" in each.programs]
    assert len(rules) == 1


# --- making one ------------------------------------------------------------------------------


async def test_a_rehearsal_leaves_the_session_and_its_link_as_they_were(school: School) -> None:
    invited = await school.invited()
    before = await school.house.store.case(invited.session)
    seat = await school.seat(invited.join_token)
    await whole(seat, camera="ok")

    assert await school.house.store.case(invited.session) == before
    device = await school.house.joined(invited.join_token)
    assert device.joined["session"] == invited.session


async def test_the_link_of_a_rehearsal_rehearses_for_the_same_session(school: School) -> None:
    invited = await school.invited()
    first = await school.rehearsals.rehearse(invited.join_token)
    second = await school.rehearsals.rehearse(first.join_token)

    case = await school.house.store.case(second.session)
    assert case.session.rehearsal_of == invited.session
    assert (await school.row()).rehearsals == 2


async def test_an_allowance_holds_in_a_rehearsal(school: School) -> None:
    await school.house.publish()
    invited = await school.house.invite(extra=timedelta(minutes=5))
    made = await school.rehearsals.rehearse(invited.join_token)

    real = await school.house.store.case(invited.session)
    assert (await school.house.store.case(made.session)).session.allowance == real.session.allowance


async def test_twenty_rehearsals_a_day_are_made_and_no_more_until_the_day_is_over(
    school: School,
) -> None:
    invited = await school.invited()
    for _ in range(20):
        await school.rehearsals.rehearse(invited.join_token)
    with pytest.raises(TooManyRehearsals):
        await school.rehearsals.rehearse(invited.join_token)
    other = await school.invited("Grace Hopper")
    await school.rehearsals.rehearse(other.join_token)
    school.house.clock.pass_(24 * 3600)

    await school.rehearsals.rehearse(invited.join_token)


async def test_of_rehearsals_that_are_asked_for_at_once_no_more_are_made(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited = await school.invited()
    found = school.house.store.rehearsals

    async def slowly(session: str) -> Sequence[Case]:
        before = await found(session)
        await asyncio.sleep(0)  # as a database: others go on meanwhile
        return before

    monkeypatch.setattr(school.house.store, "rehearsals", slowly)
    asked = (school.rehearsals.rehearse(invited.join_token) for _ in range(25))
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Invitation) for each in made) == 20
    assert sum(isinstance(each, TooManyRehearsals) for each in made) == 5
    assert (await school.row()).rehearsals == 20


async def test_a_link_that_is_none_rehearses_nothing(school: School) -> None:
    with pytest.raises(JoinLinkUnknown):
        await school.rehearsals.rehearse("x" * 43)


async def test_nobody_rehearses_for_an_exam_that_is_over_for_them(school: School) -> None:
    invited = await school.invited()
    practised = await school.rehearsals.rehearse(invited.join_token)
    await school.house.terminate(invited.session)
    for token in (invited.join_token, practised.join_token):
        with pytest.raises(SessionClosed):
            await school.rehearsals.rehearse(token)


async def test_nobody_is_invited_to_the_practice_exam(school: School) -> None:
    invited = await school.invited()
    await school.rehearsals.rehearse(invited.join_token)

    with pytest.raises(NotFound):
        await school.house.sessions.invite(PRACTICE_EXAM, learner="Ada Lovelace")


async def test_a_rehearsal_takes_no_more_than_a_rehearsal_needs(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_PRACTICE_BYTES", 2000)
    seat = await school.seat((await school.invited()).join_token)
    await seat.begin("rehearsal")
    with pytest.raises(intake.SessionFull) as no:
        await seat.snapshot(b"x" * 2000)

    assert no.value.at_most_bytes == 2000
    exam = await House().seat()
    await exam.begin()
    await exam.snapshot(b"x" * 2000)


# --- nobody looks ----------------------------------------------------------------------------


async def test_a_rehearsal_waits_for_no_person_though_the_exam_does(school: School) -> None:
    invited = await school.invited(policy="closed-book")
    seat = await school.seat(invited.join_token)
    await seat.check_in()

    assert (await school.house.store.case(seat.session)).session.state is State.READY


async def test_a_second_person_raises_no_flag_and_the_queue_stays_empty(school: School) -> None:
    seat = await school.seat((await school.invited()).join_token)
    await seat.begin("rehearsal")
    for _ in range(8):
        await seat.snapshot(b"two")
    await seat.send([seat.add(Kind.MESSAGE, topic="hand", text="")])
    await seat.hand_in()

    assert await school.house.analysed(seat.session) == []
    assert (await school.house.reviews.queue(None, me="grace")).reviews == []
    assert (await school.house.reviews.queue(PRACTICE_EXAM, me="grace")).reviews == []


async def test_the_same_in_the_exam_itself_does_raise_a_flag() -> None:
    seat = await House().seat()
    await seat.begin()
    for _ in range(8):
        await seat.snapshot(b"two")

    assert [flag.when for flag in await seat.house.analysed(seat.session)] == ["person-count"]


async def test_the_pictures_are_erased_a_week_after_the_end(school: School) -> None:
    seat = await school.seat((await school.invited()).join_token)
    await seat.begin("rehearsal")
    await seat.snapshot()
    await seat.hand_in()
    await school.house.analysed(seat.session)
    retention = Retention(school.house.store, school.house.cases, lambda _: True)
    held = len(await school.house.store.held(seat.session))
    school.house.clock.pass_(7 * 24 * 3600 - 1)
    assert await retention.run() == 0
    school.house.clock.pass_(1)

    assert await retention.run() == held == 3
    assert await school.house.store.held(seat.session) == {}


async def test_one_that_was_left_lying_ends_by_itself_and_is_erased_too(school: School) -> None:
    seat = await school.seat((await school.invited()).join_token)
    await seat.check_in()
    retention = Retention(school.house.store, school.house.cases, lambda _: True)
    school.house.clock.pass_(8 * 24 * 3600)

    assert await retention.run() == 2
    assert (await school.house.store.case(seat.session)).session.state is State.EXPIRED


WEEK_S = 7 * 24 * 3600


async def test_a_rehearsal_is_forgotten_a_week_after_its_end_but_not_the_last_report(
    school: School,
) -> None:
    retention = Retention(school.house.store, school.house.cases, lambda _: True)
    invited = await school.invited()
    first = await school.seat(invited.join_token)
    await whole(first, camera="mend")
    school.house.clock.pass_(60)
    await whole(await school.seat(invited.join_token), camera="ok")
    broken_off = await school.rehearsals.rehearse(invited.join_token)
    school.house.clock.pass_(WEEK_S)
    # Pictures go first: until they are erased nothing is forgotten.
    assert await school.rehearsals.forget() == 0
    await retention.run()

    assert await school.rehearsals.forget() == 1
    with pytest.raises(NotFound):
        await school.house.cases.get(first.session)
    row = await school.row()
    assert (row.rehearsals, row.ready) == (2, True)
    school.house.clock.pass_(24 * 3600)
    assert await school.rehearsals.forget() == 1
    with pytest.raises(NotFound):
        await school.house.cases.get(broken_off.session)
    assert (await school.row()).ready is True

    await school.house.terminate(invited.session)
    assert await school.rehearsals.forget() == 1
    assert (await school.row()).rehearsals == 0
    assert await school.rehearsals.forget() == 0


# --- what its learner is told ----------------------------------------------------------------


async def test_a_learner_is_told_what_was_seen_in_a_rehearsal(school: School) -> None:
    seat = await school.seat((await school.invited()).join_token)
    await seat.begin("rehearsal")
    for what in (b"", b"two", b"covered"):
        await seat.snapshot(what)
    await school.house.analysed(seat.session)
    seen = await school.rehearsals.seen(seat.session)

    # The face of the check-in is the fourth; the document is looked at by no machine.
    assert (seen.pictures, seen.looked_at, seen.unavailable) == (4, 4, 0)
    assert (seen.no_face, seen.one_face, seen.more_faces) == (1, 2, 1)
    assert (seen.dark, seen.covered, seen.frozen) == (0, 1, 0)
    assert seen.light_mean == 100.0


async def test_before_anything_was_looked_at_nothing_is_said_to_be_seen(school: School) -> None:
    seat = await school.seat((await school.invited()).join_token)
    await seat.check_in()
    seen = await school.rehearsals.seen(seat.session)

    assert (seen.pictures, seen.looked_at, seen.one_face, seen.light_mean) == (1, 0, 0, None)


async def test_of_a_session_that_counts_a_learner_is_told_nothing(school: School) -> None:
    invited = await school.invited()

    with pytest.raises(NotARehearsal):
        await school.rehearsals.seen(invited.session)


# --- what the course team is told ------------------------------------------------------------


async def test_who_never_rehearsed_stands_first_then_who_has_to_mend_something(
    school: School,
) -> None:
    tokens = {}
    for learner in ("Ada", "Grace", "Sofja", "Emmy"):
        tokens[learner] = (await school.invited(learner)).join_token
    await whole(await school.seat(tokens["Ada"]), camera="ok", light="mind")
    await whole(await school.seat(tokens["Sofja"]), camera="mend", face="not-tried")
    await school.rehearsals.rehearse(tokens["Emmy"])
    rows = await school.rehearsals.readiness("short")

    assert [row.learner for row in rows] == ["Grace", "Emmy", "Sofja", "Ada"]
    grace, emmy, sofja, ada = rows
    assert (grace.rehearsals, grace.last_at_ms, grace.ready) == (0, None, None)
    assert (emmy.rehearsals, emmy.reported_at_ms, emmy.ready) == (1, None, None)
    assert emmy.last_at_ms is not None
    assert (sofja.ready, sofja.mend, sofja.not_tried) == (False, ["camera"], ["face"])
    assert (ada.ready, ada.mend, ada.mind) == (True, [], ["light"])


async def test_the_last_report_counts_and_one_that_was_broken_off_does_not_hide_it(
    school: School,
) -> None:
    token = (await school.invited()).join_token
    await whole(await school.seat(token), camera="mend")
    assert (await school.row()).mend == ["camera"]
    school.house.clock.pass_(60)
    await whole(await school.seat(token), camera="ok")
    assert (await school.row()).ready is True
    school.house.clock.pass_(60)
    await (await school.seat(token)).check_in()
    row = await school.row()

    assert (row.rehearsals, row.ready) == (3, True)
    assert row.last_at_ms is not None
    assert row.reported_at_ms is not None
    assert row.last_at_ms > row.reported_at_ms


async def test_an_answer_that_reads_like_a_report_is_none(school: School) -> None:
    seat = await school.seat((await school.invited()).join_token)
    await seat.begin("rehearsal")
    facts: Mapping[str, Any] = {"notice": "readiness", "rows": [{"check": "light", "status": "ok"}]}
    line = seat.add(Kind.ANSWER, section="rehearsal", item="sentence", response="x", **facts)
    await seat.send([line])
    await seat.send([seat.add(Kind.NOTICE, notice="readiness")])

    assert (await school.row()).reported_at_ms is None


async def test_the_readiness_of_an_exam_that_is_not_there_is_not_found(school: School) -> None:
    with pytest.raises(NotFound):
        await school.rehearsals.readiness("short")

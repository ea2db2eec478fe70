"""What another policy would have flagged."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proctor.domain.observation import Measured
from proctor.domain.policy import FlagRule, Policy, SectionRules
from proctor.services import analysis as analysing
from proctor.services.ports import NotFound
from proctor.services.replay import PolicyForOtherSections, Replayed, replay
from tests.conftest import ScriptedVision
from tests.services.house import House, Seat

SHA = "9" * 64


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


class Comparing(ScriptedVision):
    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        seen = await super().observe(stream, jpeg, face=face, sample=sample)
        return replace(seen, same_person=0.3 if sample else None)


@pytest.fixture
async def seat() -> Seat:
    """Two people for four seconds, then a covered camera for three."""
    seat = await House(vision=Comparing()).seat()
    await seat.begin()
    for each in [b""] * 4 + [b"two"] * 5 + [b""] * 2 + [b"covered"] * 4 + [b""] * 4:
        await seat.snapshot(each)
    await seat.house.analysed(seat.session)
    return seat


async def published(seat: Seat) -> Policy:
    session = (await seat.house.cases.get(seat.session)).session
    return (await seat.house.cases.published(session)).policy


async def under(seat: Seat, change: Callable[[FlagRule], FlagRule | None]) -> Replayed:
    policy = await published(seat)
    rules = tuple(new for rule in policy.flags if (new := change(rule)) is not None)
    found = [
        each async for each in replay(seat.house.store, "short", replace(policy, flags=rules), SHA)
    ]
    (one,) = found
    return one


def when(name: str, **changes: Any) -> Callable[[FlagRule], FlagRule]:
    return lambda rule: replace(rule, **changes) if rule.when == name else rule


def whens(flags: tuple[Any, ...]) -> list[str]:
    return [flag.when for flag in flags]


async def test_the_same_policy_changes_nothing_whatever_its_digest(seat: Seat) -> None:
    found = await under(seat, lambda rule: rule)
    assert not found.differs
    assert (found.session, found.place, found.of) == (seat.session, 1, 1)
    assert (found.snapshots, found.compared) == (19, 4)
    flags = await seat.house.store.flags(seat.session)
    assert sorted(whens(tuple(flags))) == ["another-person", "covered", "person-count"]


async def test_a_stricter_rule_makes_flags_disappear_and_a_new_one_appear(seat: Seat) -> None:
    found = await under(seat, when("person-count", for_s=60))
    assert (whens(found.appear), whens(found.disappear), found.change) == (
        [],
        ["person-count"],
        (),
    )
    dropped = await under(seat, lambda rule: None if rule.when == "covered" else rule)
    assert whens(dropped.disappear) == ["covered"]
    missing = await under(seat, when("another-person", below=0.2))
    assert whens(missing.disappear) == ["another-person"]

    def by_light(rule: FlagRule) -> FlagRule:
        dark = FlagRule(when="dark", below=200, for_s=0)
        return dark if rule.when == "dark" else rule

    assert whens((await under(seat, by_light)).appear) == ["dark"]


async def test_what_is_weighed_or_limited_otherwise_is_a_change_of_the_same_flag(
    seat: Seat,
) -> None:
    found = await under(seat, when("person-count", severity=0.1))
    assert (found.appear, found.disappear) == ((), ())
    (pair,) = found.change
    assert (pair.before.severity, pair.after.severity) == (0.6, 0.1)
    # A higher limit begins it elsewhere: the same incident, by another id.
    found = await under(seat, when("covered", below=50.0))
    (pair,) = found.change
    assert pair.before.id != pair.after.id
    assert pair.before.started_at > pair.after.started_at


async def test_nothing_is_written_and_no_picture_is_read(seat: Seat) -> None:
    store = seat.house.store
    before = (await store.case(seat.session), await store.flags(seat.session))
    lines = await store.server_lines(seat.session)
    store._blobs[seat.session].clear()
    assert (await under(seat, when("person-count", for_s=60))).differs
    assert (await store.case(seat.session), await store.flags(seat.session)) == before
    assert await store.server_lines(seat.session) == lines


async def test_who_never_began_and_who_rehearsed_are_left_out(seat: Seat) -> None:
    await seat.house.invite(learner="never came")
    assert (await under(seat, lambda rule: rule)).of == 1


async def test_an_exam_that_is_not_there_and_a_policy_for_other_sections_are_refused(
    seat: Seat,
) -> None:
    policy = await published(seat)
    with pytest.raises(NotFound):
        await anext(replay(seat.house.store, "tall", policy, SHA))
    other = replace(policy, sections=SectionRules(order=("part-x",)))
    with pytest.raises(PolicyForOtherSections) as refused:
        await anext(replay(seat.house.store, "short", other, SHA))
    assert "part-x" in str(refused.value)

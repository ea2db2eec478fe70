import asyncio
import json
from base64 import b64encode
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from proctor.domain.acts import ActKind
from proctor.domain.devices import AskState, Decision
from proctor.domain.moves import IllegalMove
from proctor.domain.session import BadGrant, SectionNotOpen, State
from proctor.evidence.batch import split
from proctor.evidence.note import KeyKind, SigningKey
from proctor.evidence.record import Kind
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.intake import Held, Receipted, Resume, Superseded
from proctor.services.ports import NotFound
from proctor.services.sessions import (
    BadDeviceKey,
    BadInvitation,
    JoinLinkUnknown,
    JoinLinkUsed,
    SubmissionMissing,
    proof_text,
)
from tests.device import JPEG, Device
from tests.evidence.building import OLD_KEY
from tests.memory_store import Fault
from tests.services.house import House, Seat


@pytest.fixture
async def house() -> House:
    house = House()
    await house.publish()
    return house


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


def device(name: str = "d_test") -> Device:
    return Device(None, name=name)  # type: ignore[arg-type] # it has no network


# --- invitations ---------------------------------------------------------------------------------


async def test_an_invitation_s_token_is_kept_nowhere(house: House) -> None:
    invited = await house.invite(learner="  Ada Lovelace ")
    case = await house.cases.get(invited.session)
    assert case.session.learner == "Ada Lovelace"
    assert case.session.state is State.INVITED
    assert invited.join_token not in repr(vars(house.store))


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"learner": "  "}, id="no name"),
        pytest.param({"learner": "a" * 201}, id="a name too long"),
        pytest.param({"time_factor": Decimal("0.99")}, id="less time"),
        pytest.param({"time_factor": Decimal("4.01")}, id="too much more time"),
        pytest.param({"time_factor": Decimal("NaN")}, id="a factor that is no number"),
        pytest.param({"time_factor": Decimal("sNaN")}, id="a factor that signals"),
        pytest.param({"time_factor": Decimal("Infinity")}, id="all the time there is"),
        pytest.param({"extra": timedelta(seconds=-1)}, id="time taken away"),
        pytest.param({"extra": timedelta(hours=24, seconds=1)}, id="more than a day"),
        pytest.param({"account": "a" * 201}, id="an account too long"),
        pytest.param({"account": "a\nb"}, id="an account on two lines"),
    ],
)
async def test_an_invitation_out_of_bounds_is_refused(house: House, asked: dict[str, Any]) -> None:
    with pytest.raises(BadInvitation):
        await house.invite(**asked)
    assert await house.store.cases(None) == []


async def test_nobody_is_invited_to_an_exam_that_was_never_published() -> None:
    with pytest.raises(NotFound):
        await House().invite()


# --- joining -------------------------------------------------------------------------------------


async def test_the_same_key_may_join_again_and_gets_a_new_token(house: House) -> None:
    invited = await house.invite()
    mine = await house.joined(invited.join_token, device())
    await house.joined(invited.join_token, mine)
    devices = await house.store.devices(invited.session)
    assert [each.id for each in devices] == ["d_test"]
    lines = await house.store.server_lines(invited.session)
    assert [json.loads(line)["kind"] for line in lines].count("device") == 1


async def test_another_key_may_not_use_a_link_that_was_used(house: House) -> None:
    invited = await house.invite()
    await house.joined(invited.join_token, device())
    for other in (device(), device("d_other")):
        with pytest.raises(JoinLinkUsed):
            await house.joined(invited.join_token, other)
    assert len(await house.store.devices(invited.session)) == 1


async def test_of_two_devices_that_join_at_once_one_is_admitted(house: House) -> None:
    invited = await house.invite()
    joins = [house.joined(invited.join_token, device(f"d_{n}")) for n in range(3)]
    results = await asyncio.gather(*joins, return_exceptions=True)
    assert sum(isinstance(each, JoinLinkUsed) for each in results) == 2
    assert len(await house.store.devices(invited.session)) == 1


async def test_one_device_that_joins_twice_at_once_is_admitted_twice(house: House) -> None:
    """Its first request took long, and it asked again: both are its own."""
    invited = await house.invite()
    mine = device()
    await asyncio.gather(*[house.joined(invited.join_token, mine) for _ in range(3)])
    assert len(await house.store.devices(invited.session)) == 1


async def test_after_a_lost_answer_the_same_device_joins_all_the_same(house: House) -> None:
    invited = await house.invite()
    mine = device()
    house.store.next_fault = Fault.AFTER_COMMIT
    with pytest.raises(ConnectionError):
        await house.joined(invited.join_token, mine)
    await house.joined(invited.join_token, mine)


async def test_a_link_that_was_mistyped_is_not_known(house: House) -> None:
    with pytest.raises(JoinLinkUnknown):
        await house.joined("A" * 43, device())


def _forged(token: str) -> tuple[str, str]:
    mine, other = device(), device()
    key = mine.key.verifier.encode()
    return key, b64encode(other.key.sign(proof_text(token, key))).decode()


def _for_another_link(_token: str) -> tuple[str, str]:
    mine = device()
    key = mine.key.verifier.encode()
    return key, b64encode(mine.key.sign(proof_text("another", key))).decode()


def _named(name: str, kind: KeyKind = KeyKind.ED25519) -> Any:
    def made(token: str) -> tuple[str, str]:
        signing = SigningKey.generate(name, kind)
        key = signing.verifier.encode()
        return key, b64encode(signing.sign(proof_text(token, key))).decode()

    return made


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(_forged, id="a proof by another key"),
        pytest.param(_for_another_link, id="a proof for another link"),
        pytest.param(lambda _: ("no key", "AAAA"), id="no key"),
        pytest.param(lambda t: (_forged(t)[0], "no base64"), id="no proof"),
        pytest.param(lambda t: (_forged(t)[0], "ünïcode"), id="a proof beyond ASCII"),
        pytest.param(lambda t: (_forged(t)[0], ""), id="an empty proof"),
        pytest.param(_named("server"), id="the server's own name"),
        pytest.param(_named("d_a.b/c"), id="a name that is a path"),
        pytest.param(_named("d_" + "a" * 63), id="a name no record can bear"),
        pytest.param(_named("d_test", KeyKind.COSIGNATURE), id="a key of another type"),
    ],
)
async def test_a_device_must_show_that_it_holds_a_key_of_its_own(house: House, made: Any) -> None:
    invited = await house.invite()
    key, proof = made(invited.join_token)
    with pytest.raises(BadDeviceKey):
        await house.sessions.join(invited.join_token, key=key, proof=proof, kind="desktop")
    assert await house.store.devices(invited.session) == []


async def test_a_browser_without_ed25519_joins_with_a_key_of_p256(house: House) -> None:
    invited = await house.invite()
    key = OLD_KEY.verifier.encode()
    proof = b64encode(OLD_KEY.sign(proof_text(invited.join_token, key))).decode()
    joined = await house.sessions.join(invited.join_token, key=key, proof=proof, kind="browser")
    assert joined.device.key == key


async def test_a_name_as_long_as_a_record_bears_is_taken(house: House) -> None:
    invited = await house.invite()
    mine = await house.joined(invited.join_token, device("d_" + "a" * 62))
    mine.hello()


async def test_a_terminated_session_can_be_joined_by_nobody_new(house: House) -> None:
    invited = await house.invite()
    await house.terminate(invited.session)
    with pytest.raises(IllegalMove):
        await house.joined(invited.join_token, device())


# --- a second device -----------------------------------------------------------------------------


async def replaced(seat: Seat) -> Device:
    """Another device, let in by a proctor in the place of the one that is connected."""
    house = seat.house
    invited = seat.token
    other = device("d_other")
    key = other.key.verifier.encode()
    proof = b64encode(other.key.sign(proof_text(invited, key))).decode()
    _, state = await house.sessions.ask(invited, key=key, proof=proof, kind="browser")
    assert state is AskState.WAITING
    await house.sessions.decide_device(seat.session, "d_other", Decision.ADMIT, by="bo")
    return await house.joined(invited, other)


async def test_from_the_decision_on_the_other_device_is_heard_no_more(seat: Seat) -> None:
    line = seat.add(Kind.ANSWER, section="part-a", item="two-dice", response="a")
    await replaced(seat)
    with pytest.raises(Superseded):
        await seat.send([line])
    received = await seat.house.store.received(seat.session, "d_test")
    assert all(line not in batch.lines for batch in received)


async def test_a_device_that_was_replaced_gets_no_line(seat: Seat) -> None:
    (first,) = await seat.house.store.devices(seat.session)
    await replaced(seat)
    with pytest.raises(Superseded):
        await seat.house.intake.connect(first)
    assert (await seat.house.cases.get(seat.session)).session.lost_at is not None


async def test_the_time_between_two_devices_is_an_outage(seat: Seat) -> None:
    seat.tick(5)
    assert seat.line is not None
    old, house = seat.line, seat.house
    await replaced(seat)
    await house.intake.disconnect(old)
    assert (await house.cases.get(seat.session)).session.lost_at is not None
    seat.tick(5)
    second = next(each for each in await house.store.devices(seat.session) if each.id == "d_other")
    await house.intake.connect(second)
    assert (await house.cases.get(seat.session)).session.lost_at is None


# --- handing in ----------------------------------------------------------------------------------


async def test_a_session_is_handed_in_only_with_its_submission(seat: Seat) -> None:
    with pytest.raises(SubmissionMissing):
        await seat.house.sessions.submit(seat.session, "d_test")
    # A word in an answer is no submission.
    line = seat.add(Kind.ANSWER, item="x", response='"kind":"submission"')
    await seat.send([line])
    with pytest.raises(SubmissionMissing):
        await seat.house.sessions.submit(seat.session, "d_test")
    await seat.hand_in()
    again = await seat.house.sessions.submit(seat.session, "d_test")
    assert again.session.state is State.SUBMITTED


async def test_an_open_section_is_shown_without_its_keys(seat: Seat) -> None:
    _, section = await seat.house.sessions.section(seat.session, "part-a")
    assert [item["id"] for item in section["items"]] == ["two-dice", "independent"]
    assert "correct" not in json.dumps(section)
    with pytest.raises(SectionNotOpen):
        await seat.house.sessions.section(seat.session, "part-b")


# --- a proctor's acts ----------------------------------------------------------------------------


async def test_a_pause_gives_its_time_back(seat: Seat) -> None:
    act = seat.house.act
    paused = await act(seat.session, ActKind.PAUSE, note="a fire alarm")
    assert paused.session.state is State.PAUSED
    seat.tick(600)
    resumed = await act(seat.session, ActKind.RESUME, note="it was a drill")
    assert resumed.session.state is State.RUNNING
    assert [entry.given for entry in resumed.session.ledger] == [timedelta(minutes=10)]
    lines = map(json.loads, await seat.house.store.server_lines(seat.session))
    states = [
        (each["state"], each["by"], each.get("reason"))
        for each in lines
        if "state" in each and "event" not in each
    ]
    assert states[-2:] == [
        ("paused", "bo", "a fire alarm"),
        ("running", "bo", "it was a drill"),
    ]


async def test_extra_time_goes_to_the_section_that_is_open(seat: Seat) -> None:
    act = seat.house.act
    given = await act(seat.session, ActKind.EXTRA_TIME, note="it was noisy", seconds=60)
    assert [(e.section, e.given) for e in given.session.ledger] == [
        ("part-a", timedelta(minutes=1))
    ]
    with pytest.raises(BadGrant):
        await act(seat.session, ActKind.EXTRA_TIME, note="it was noisy")
    await seat.house.sessions.close_section(seat.session, "part-a")
    with pytest.raises(SectionNotOpen):
        await act(seat.session, ActKind.EXTRA_TIME, note="it was noisy", seconds=60)


async def test_a_refused_act_changes_nothing_but_what_the_clock_has_done(seat: Seat) -> None:
    seat.tick(31)
    with pytest.raises(IllegalMove):
        await seat.house.act(seat.session, ActKind.RESUME, note="go on")
    case = await seat.house.store.case(seat.session)
    assert case.session.state is State.RUNNING
    assert case.session.section("part-a").closed_by == "time-up"


# --- contact -------------------------------------------------------------------------------------


async def test_a_restart_counts_as_loss_of_contact_since_the_last_batch(seat: Seat) -> None:
    await seat.answer("part-a", "two-dice", "a")
    heard = seat.house.clock.now()
    seat.tick(60)
    again = House(seat.house.store, seat.house.clock)
    await again.sessions.after_restart()
    case = await again.cases.settled(seat.session)
    assert case.session.lost_at == heard
    assert case.session.section("part-a").state == "open"
    await again.sessions.after_restart()  # once more changes nothing
    assert (await again.cases.get(seat.session)).version == case.version


async def test_a_restart_says_nothing_of_who_was_never_there() -> None:
    house = House()
    await house.publish()
    invited = await house.invite()
    await house.sessions.after_restart()
    assert (await house.cases.get(invited.session)).session.lost_at is None


async def test_a_loss_that_could_not_be_stored_is_stored_with_the_next_change(
    seat: Seat,
) -> None:
    await seat.answer("part-a", "two-dice", "a")
    heard = seat.house.clock.now()
    assert seat.line is not None
    seat.tick(28)
    seat.house.store.next_fault = Fault.FULL
    await seat.house.intake.disconnect(seat.line)
    assert (await seat.house.store.case(seat.session)).session.lost_at is None
    seat.tick(10)  # past the deadline; the sweeper comes first
    await seat.house.cases.sweep()
    case = await seat.house.store.case(seat.session)
    assert case.session.lost_at == heard
    assert case.session.section("part-a").state == "open"
    await seat.connect()
    case = await seat.house.store.case(seat.session)
    assert [entry.given for entry in case.session.ledger] == [timedelta(seconds=38)]


async def test_a_line_that_another_was_faster_than_reads_the_log_anew(seat: Seat) -> None:
    """A device came back while its last batch was still being taken on the line before."""
    older = seat.line
    assert older is not None
    newer = await seat.connect()
    picture = JPEG + b"late"
    line = seat.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
    message = seat.device.batch([line])
    seat.house.intake._newest[seat.session, "d_test"] = older
    assert isinstance(await older.take(split(message)), Receipted)
    seat.house.intake._newest[seat.session, "d_test"] = newer
    # For the newer line the log ends before that record: the store says that it does not.
    seat.device.log.lines.pop()
    kept = list(seat.device.log.lines)
    seat.device.log.frontier = Frontier().extended(map(leaf_hash, kept))
    resumed = await newer.take(split(seat.device.batch([seat.add(Kind.ANSWER, item="x")])))
    assert isinstance(resumed, Resume)
    assert resumed.size == len(kept) + 1
    assert newer.owed() == (sha256(picture).hexdigest(),)
    assert isinstance(await newer.take(split(seat.device.batch([], [picture]))), Held)


async def test_a_line_that_could_not_be_opened_leaves_none_behind(seat: Seat) -> None:
    await seat.answer("part-a", "two-dice", "a")
    older = seat.line
    assert older is not None
    seat.tick(31)  # a deadline has passed: opening a line stores that
    seat.house.store.next_fault = Fault.BEFORE_COMMIT
    with pytest.raises(ConnectionError):
        await seat.connect()
    # The older one may have ended while the newer was opened: its device comes again.
    assert not seat.house.intake.is_newest(older)
    seat.house.store.next_fault = None
    seat.house.cases._cases.clear()
    seat.tick(1)
    await seat.connect()

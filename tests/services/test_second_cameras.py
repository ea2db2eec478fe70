"""A second camera among the services: what its session holds, and what becomes of its line."""

import asyncio
from base64 import b64encode

import pytest

from proctor import config
from proctor.adapters import exams
from proctor.domain.second_camera import CameraState
from proctor.evidence.batch import split
from proctor.evidence.note import origin_of
from proctor.services import intake
from proctor.services.identity import CheckInIncomplete
from proctor.services.intake import Line, SessionFull, Superseded
from proctor.services.ports import Append
from proctor.services.second_cameras import SecondCameras, is_phone_link
from proctor.services.sessions import proof_text
from tests.conftest import SHORT_EXAM
from tests.device import Device
from tests.phone import room, with_phone
from tests.services.house import SERVER, House, Seat


class Pair:
    """A learner on a computer, with a phone beside it."""

    def __init__(self, house: House, seat: Seat) -> None:
        self.house = house
        self.seat = seat
        self.cameras = SecondCameras(house.store, house.cases, token=config.token)
        self.phone = Device(None, name="d_phone")  # type: ignore[arg-type] # it has no network

    async def connect(self) -> Line:
        token = await self.cameras.ask(self.seat.session)
        key = self.phone.key.verifier.encode()
        proof = b64encode(self.phone.key.sign(proof_text(token, key))).decode()
        joined = await self.cameras.join(token, key=key, proof=proof)
        session = joined.case.session
        origin = origin_of(
            server=SERVER, exam=session.exam, session=session.id, device=self.phone.key.name
        )
        self.phone.joined = {
            "session": session.id,
            "policy_sha256": session.policy_sha256,
            "origin": origin,
        }
        line = await self.house.intake.connect(joined.device)
        await line.take(split(self.phone.batch([self.phone.hello()])))
        return line

    async def show(self, line: Line, seen: bytes = b"room") -> None:
        lines, blobs = room(self.phone, seen)
        await line.take(split(self.phone.batch(lines, blobs)))

    async def state(self) -> CameraState | None:
        session = (await self.house.cases.get(self.seat.session)).session
        return None if session.second_camera is None else session.second_camera.state


@pytest.fixture
async def pair() -> Pair:
    house = House()
    await house.store.publish(exams.load(SHORT_EXAM).body, with_phone())
    invited = await house.invite()
    seat = Seat(house, await house.joined(invited.join_token), invited.session)
    await seat.connect()
    await seat.send([seat.device.hello()])
    return Pair(house, seat)


def test_no_other_link_looks_like_a_phones() -> None:
    assert not any(is_phone_link(config.token()) for _ in range(1000))
    assert is_phone_link(f"s_abc.{config.token()}")


async def test_what_a_session_holds_is_counted_over_both_of_its_devices(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await pair.connect()
    monkeypatch.setattr(intake, "MAX_SESSION_BLOBS", 4)
    await pair.seat.snapshot()
    await pair.show(line, b"one")
    await pair.seat.snapshot()
    with pytest.raises(SessionFull) as no:
        await pair.show(line, b"two")
    assert no.value.blobs == 4
    with pytest.raises(SessionFull):
        await pair.seat.snapshot()


async def test_what_both_devices_send_at_once_is_counted_on_both_lines(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await pair.connect()
    computer = pair.seat.line
    assert computer is not None
    before = [(each._blobs, each._used) for each in (line, computer)]
    store, meet = pair.house.store.append, asyncio.Barrier(2)

    async def together(append: Append) -> None:
        # As in a group commit: both are stored before either goes on.
        await store(append)
        await meet.wait()

    monkeypatch.setattr(pair.house.store, "append", together)
    await asyncio.gather(pair.seat.snapshot(), pair.show(line))
    monkeypatch.undo()
    logs = [
        await pair.house.store.received(pair.seat.session, each) for each in ("d_test", "d_phone")
    ]
    lines = [len(text) for log in logs for text in log[-1].lines]
    more = sum((await pair.house.store.held(pair.seat.session)).values()) + sum(lines)
    assert [(each._blobs, each._used) for each in (line, computer)] == [
        (blobs + 2, used + more) for blobs, used in before
    ]


async def test_a_picture_that_is_named_and_not_sent_shows_nothing(pair: Pair) -> None:
    line = await pair.connect()
    await pair.seat.show_papers()
    lines, blobs = room(pair.phone)
    await line.take(split(pair.phone.batch(lines)))
    assert await pair.state() is CameraState.ASKED
    with pytest.raises(CheckInIncomplete) as no:
        await pair.house.identity.check_in(pair.seat.session, "d_test")
    assert no.value.missing == ["second-camera"]

    await line.take(split(pair.phone.batch([], blobs)))
    assert await pair.state() is CameraState.CONNECTED
    await pair.house.identity.check_in(pair.seat.session, "d_test")


async def test_a_line_that_a_new_link_ended_takes_nothing_and_loses_nothing(pair: Pair) -> None:
    line = await pair.connect()
    await pair.show(line)
    assert await pair.state() is CameraState.CONNECTED
    await pair.cameras.ask(pair.seat.session)
    with pytest.raises(Superseded):
        await pair.show(line, b"later")
    await pair.house.intake.disconnect(line)
    assert await pair.state() is CameraState.ASKED


async def test_the_newer_of_two_lines_of_a_phone_counts(pair: Pair) -> None:
    first = await pair.connect()
    await pair.show(first)
    second = await pair.house.intake.connect(first.device)
    await pair.house.intake.disconnect(first)
    assert await pair.state() is CameraState.CONNECTED
    await pair.house.intake.disconnect(second)
    assert await pair.state() is CameraState.LOST


async def test_a_computer_that_is_gone_is_out_of_contact_though_its_phone_is_there(
    pair: Pair,
) -> None:
    line = await pair.connect()
    await pair.show(line)
    assert pair.seat.line is not None
    await pair.house.intake.disconnect(pair.seat.line)
    assert (await pair.house.cases.get(pair.seat.session)).session.lost_at is not None
    await pair.show(line, b"still here")
    assert (await pair.house.cases.get(pair.seat.session)).session.lost_at is not None


async def test_pictures_of_a_room_are_not_looked_at(pair: Pair) -> None:
    line = await pair.connect()
    await pair.show(line, b"two")
    assert list(await pair.house.analysed(pair.seat.session)) == []
    assert list(await pair.house.store.observations(pair.seat.session)) == []


async def test_after_a_restart_every_second_camera_is_lost(pair: Pair) -> None:
    await pair.show(await pair.connect())
    await pair.cameras.after_restart()
    assert await pair.state() is CameraState.LOST

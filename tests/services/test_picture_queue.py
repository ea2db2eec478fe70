"""The order in which pictures are looked at, and that a burst loses none."""

import asyncio
from collections.abc import Sequence

import pytest

from proctor.domain.identity import IdEvent
from proctor.domain.observation import Measured
from proctor.evidence.record import Kind, parse
from proctor.services import analysis as analysing
from proctor.services import check_in_face
from proctor.services.intake import Snapshot
from tests.conftest import ScriptedVision, until
from tests.device import JPEG
from tests.services.house import House, Seat


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)


class Noting(ScriptedVision):
    """Notes what it was shown, in order."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, bytes]] = []
        self.compared: list[tuple[bytes | None, bool]] = []

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        self.shown.append((stream.partition("/")[0], jpeg))
        self.compared.append((face, sample))
        return await super().observe(stream, jpeg, face=face, sample=sample)


async def seats(house: House, count: int) -> list[Seat]:
    """Learners whose exams were begun a minute after each other, the last of them first."""
    made = []
    for _ in range(count):
        invited = await house.invite()
        seat = Seat(house, await house.joined(invited.join_token), invited.session)
        await seat.connect()
        await seat.check_in()
        made.append(seat)
    for seat in reversed(made):
        house.clock.pass_(60)
        await house.sessions.open_section(seat.session, "part-a")
    return made


async def burst(seat: Seat, count: int) -> list[bytes]:
    """Send many pictures at once, in batches."""
    pictures: list[bytes] = []
    while len(pictures) < count:
        batch = [
            JPEG + f"{seat.session}{len(pictures) + n:06}".encode()
            for n in range(min(20, count - len(pictures)))
        ]
        lines = [seat.add(Kind.SNAPSHOT, blob=each, purpose="periodic") for each in batch]
        await seat.send(lines, batch)
        pictures += batch
    return pictures


async def test_pictures_of_the_oldest_exam_are_looked_at_first_and_each_cameras_in_order() -> None:
    vision = Noting()
    house = House(vision=vision)
    await house.publish()
    youngest, middle, oldest = await seats(house, 3)
    await house.analysed(oldest.session)  # the faces
    vision.shown.clear()
    lane, *house.analysis._lanes[1:] = house.analysis._lanes[:1]
    taken = {seat.session: await burst(seat, 20) for seat in (youngest, middle, oldest)}
    looking = asyncio.ensure_future(house.analysis._look(lane))
    await until(lambda: asyncio.sleep(0, not lane.waiting and len(vision.shown) == 60))
    looking.cancel()
    assert [picture for _, picture in vision.shown] == [
        picture for seat in (oldest, middle, youngest) for picture in taken[seat.session]
    ]


@pytest.mark.parametrize(
    "room",
    [
        pytest.param(16_384, id="in the queues"),
        pytest.param(700, id="more than the queues hold"),
    ],
)
async def test_a_burst_of_5000_snapshots_is_drained_in_order_without_losing_one(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(analysing, "MAX_WAITING", room)
    vision = Noting()
    house = House(vision=vision)
    await house.publish()
    made = await seats(house, 10)
    house.clock.pass_(30)
    since = house.clock.now()
    taken = {seat.session: await burst(seat, 500) for seat in made}
    house.clock.pass_(60)
    progress = house.analysis.progress()
    assert progress.oldest_at is not None
    assert progress.oldest_at <= since
    assert progress.waiting + progress.behind > 0
    assert house.reviews.pictures().waiting == progress.waiting
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.1)
    looking = asyncio.ensure_future(house.analysis.run())
    await asyncio.sleep(0)
    done = house.analysis.is_done
    await until(lambda: asyncio.sleep(0, all(done(seat.session) for seat in made)), within_s=500)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    for seat in made:
        seen = await house.store.observations(seat.session)
        assert len(seen) == 501  # with the face
        periodic = set(taken[seat.session])
        shown = [p for s, p in vision.shown if s == seat.session and p in periodic]
        assert shown == taken[seat.session]  # once, and in order
    assert house.analysis.progress() == analysing.Progress(waiting=0, behind=0, oldest_at=None)
    assert house.reviews.pictures().oldest_ms is None


async def test_what_comes_while_pending_pictures_are_read_does_not_go_before_them() -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat()
    await seat.begin()
    taken = await burst(seat, 50)
    again = House(house.store, house.clock, vision)
    held = again.store.held

    async def slowly(session_id: str) -> object:
        found = await held(session_id)
        (device,) = await again.store.devices(session_id)
        (received,) = (await again.store.received(session_id, device.id))[-1:]
        again.analysis.add([Snapshot(session_id, device.id, parse(received.lines[-1]))])
        return found

    again.store.held = slowly  # type: ignore[method-assign, assignment]
    await again.analysis.after_restart()
    again.store.held = held  # type: ignore[method-assign]
    assert again.analysis.progress().behind == 1
    await again.analysed(seat.session)
    assert [picture for _, picture in vision.shown if picture in taken] == taken


async def test_a_picture_that_is_queued_twice_is_looked_at_once() -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat()
    await seat.begin()
    await seat.snapshot()
    await house.analysis.after_restart()
    await house.analysed(seat.session)
    assert len(vision.shown) == 2  # the face and the snapshot


async def test_a_session_that_is_not_in_use_waits_behind_those_that_are() -> None:
    house = House()
    seat = await house.seat()
    begun = await house.seat()
    await begun.begin()
    opened = house.clock.now()
    assert house.analysis._rank(begun.session) == (0, opened)
    assert house.analysis._rank(seat.session)[0] == 1
    assert house.analysis._rank("s_never")[0] == 2
    assert house.analysis._rank("s_never") > house.analysis._rank(seat.session)


# --- the face of the check-in --------------------------------------------------------------------


async def compared(seat: Seat, vision: Noting, count: int) -> Sequence[tuple[bytes | None, bool]]:
    vision.compared.clear()
    for _ in range(count):
        await seat.snapshot()
    await seat.house.analysed(seat.session)
    return vision.compared


async def test_every_sixth_snapshot_is_compared_with_the_face_of_the_check_in() -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat()
    await seat.begin()
    await house.analysed(seat.session)
    assert vision.compared == [(None, False)]  # the face itself
    face = JPEG + b"face"
    assert await compared(seat, vision, 13) == [(face, number % 6 == 0) for number in range(13)]


async def test_a_face_shown_after_the_check_in_is_compared_with_nothing() -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat()
    await seat.begin()
    seat.tick(1)
    other = JPEG + b"another face"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=other, purpose="face")], [other])
    await house.analysed(seat.session)
    assert {face for face, _ in await compared(seat, vision, 3)} == {JPEG + b"face"}


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        pytest.param(["one", "two"], ["three"], "two", id="the last before it"),
        pytest.param([], ["one", "two"], "one", id="else the first after it"),
    ],
)
async def test_who_was_vouched_for_is_compared_with_the_face_they_showed(
    before: list[str], after: list[str], counts: str
) -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat(policy="closed-book")
    await seat.send([seat.device.hello()])

    async def show(names: list[str]) -> None:
        for name in names:
            face = JPEG + name.encode()
            seat.tick(1)
            await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")], [face])

    await show(before)
    assert {face for face, _ in await compared(seat, vision, 2)} == {None}
    await house.identity.decide(seat.session, IdEvent.VOUCH, by="bo", reason="my student")
    await house.sessions.open_section(seat.session, "part-a")
    assert (await compared(seat, vision, 1))[0][0] == (JPEG + b"two" if before else None)
    await show(after)
    await house.analysed(seat.session)

    assert {face for face, _ in await compared(seat, vision, 7)} == {JPEG + counts.encode()}
    desk = await house.desks.desk(seat.session, me="bo")
    assert desk.face is not None
    assert await house.store.blob(seat.session, desk.face.sha256) == JPEG + counts.encode()


async def test_without_a_rule_about_it_nothing_is_compared() -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat()
    await seat.begin()
    published = await house.cases.published((await house.cases.get(seat.session)).session)
    flags = tuple(rule for rule in published.policy.flags if rule.when != "another-person")
    object.__setattr__(published.policy, "flags", flags)
    assert {face for face, _ in await compared(seat, vision, 7)} == {None}


async def test_a_face_that_was_erased_is_compared_with_nothing_and_holds_nothing_up() -> None:
    vision = Noting()
    house = House(vision=vision)
    seat = await house.seat()
    await seat.begin()
    await house.analysed(seat.session)
    house.store._blobs[seat.session].clear()
    assert {face for face, _ in await compared(seat, vision, 3)} == {None}


async def test_faces_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.publish()
    made = await seats(house, 3)
    sessions = [(await house.cases.get(seat.session)).session for seat in made]
    monkeypatch.setattr(check_in_face, "MAX_BYTES", 2 * len(JPEG + b"face"))
    faces = check_in_face.CheckInFaces(house.store)
    for session in (*sessions, sessions[2]):
        assert await faces.of(session) == JPEG + b"face"
    assert list(faces._kept) == [sessions[1].id, sessions[2].id]
    faces.forget(sessions[1].id)
    faces.forget("s_never")
    assert faces._bytes == len(JPEG + b"face")

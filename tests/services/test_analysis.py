import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from proctor.domain.acts import ActKind
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.identity import IdEvent
from proctor.domain.observation import Measured
from proctor.domain.review import Outcome
from proctor.evidence.record import Kind, parse
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services import analysis as analysing
from proctor.services import faults, seen
from proctor.services.exam_tables import ExamTables, Table
from proctor.services.intake import is_watched
from proctor.services.ports import StorageFull
from proctor.services.timeline import flag_view
from tests.conftest import ScriptedVision, until
from tests.device import JPEG, Device
from tests.memory_store import Fault
from tests.services.house import House, Seat

HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysing, "EVALUATE_EVERY_S", 0.001)
    monkeypatch.setattr(faults, "FIRST_S", 0.001)


@pytest.fixture
async def seat() -> Seat:
    seat = await House().seat()
    await seat.begin()
    return seat


async def told_of(seat: Seat) -> list[dict[str, Any]]:
    lines = await seat.house.store.server_lines(seat.session)
    return [each for each in map(json.loads, lines) if each["kind"] == "flag"]


async def two_people(seat: Seat, *, seconds: int = 4, seen: bytes = b"two") -> None:
    for _ in range(seconds):
        await seat.snapshot(seen)


@pytest.fixture
def all_seen_first(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for flags once all pictures were seen: what is told is of those seen when it came."""
    evaluate = analysing.Analysis._evaluate

    async def all_are_seen() -> bool:
        sent = [each for each in map(json.loads, seat.device.log.lines) if each.get("purpose")]
        wanted = [each for each in sent if each["purpose"] != "document"]
        return len(await seat.house.store.observations(seat.session)) == len(wanted)

    async def later(analysis: analysing.Analysis) -> None:
        await until(all_are_seen)
        await evaluate(analysis)

    monkeypatch.setattr(analysing.Analysis, "_evaluate", later)


@pytest.mark.usefixtures("all_seen_first")
async def test_a_second_person_raises_one_flag_that_names_the_snapshots(seat: Seat) -> None:
    await seat.snapshot()
    await two_people(seat)
    await seat.snapshot()
    (flag,) = await seat.house.analysed(seat.session)
    assert (flag.when, flag.flag_class, flag.section_id) == (
        "person-count",
        FlagClass.CONDUCT,
        "part-a",
    )
    assert [ref.seq for ref in flag.snapshots] == [4, 5, 6, 7]
    (told,) = await told_of(seat)
    assert told["flag"] == flag.id
    assert [ref["seq"] for ref in told["snapshots"]] == [4, 5, 6, 7]


async def test_a_picture_that_is_at_hand_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch, seat: Seat
) -> None:
    pictures = [await seat.snapshot(b"two") for _ in range(4)]
    read: list[bytes] = []
    blob = seat.house.store.blob

    async def reading(session: str, sha256: str) -> bytes:
        read.append(await blob(session, sha256))
        return read[-1]

    monkeypatch.setattr(seat.house.store, "blob", reading)
    (flag,) = await seat.house.analysed(seat.session)
    assert flag.snapshot_count == 4
    assert not set(pictures) & set(read)


async def test_pictures_for_which_memory_has_no_room_are_read_from_the_store(
    monkeypatch: pytest.MonkeyPatch, seat: Seat
) -> None:
    monkeypatch.setattr(analysing, "MAX_AT_HAND_BYTES", 2 * len(JPEG + b"two"))
    await two_people(seat)
    (flag,) = await seat.house.analysed(seat.session)
    assert flag.snapshot_count == 4


async def test_flags_are_not_looked_for_after_pictures_that_no_rule_is_about(seat: Seat) -> None:
    await seat.house.analysed(seat.session)
    analysis, store = seat.house.analysis, seat.house.store

    async def seen(count: int) -> bool:
        return await store.observed(seat.session) == count

    looking = [asyncio.ensure_future(analysis._look(lane)) for lane in analysis._lanes]
    for _ in range(3):
        await seat.snapshot()
    await until(lambda: seen(1 + 3))
    assert seat.session not in analysis._touched
    await seat.snapshot(b"two")
    await until(lambda: seen(1 + 4))
    assert seat.session in analysis._touched
    for each in looking:
        each.cancel()


async def test_documents_and_files_are_not_looked_at(seat: Seat) -> None:
    await seat.house.analysed(seat.session)
    seen = [each.seq for each in await seat.house.store.observations(seat.session)]
    assert seen == [1]  # the face; the document is for people's eyes


async def test_the_face_is_let_go_once_all_pictures_of_what_ended_were_looked_at(
    seat: Seat,
) -> None:
    await seat.snapshot(b"one")
    await seat.hand_in()
    await seat.house.analysed(seat.session)  # all of them after the end
    assert not seat.house.analysis._faces._kept


async def test_check_in_pictures_raise_nothing(seat: Seat) -> None:
    face = JPEG + b"two"
    for _ in range(4):
        seat.tick(1)
        await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")], [face])
    assert await seat.house.analysed(seat.session) == []


async def asked_again(seat: Seat) -> None:
    """Let a proctor ask for face and document, and the learner begin with the face."""
    await ask(seat)
    await show_face(seat)


async def ask(seat: Seat) -> None:
    seat.tick(1)
    await seat.house.act(seat.session, ActKind.ASK_ID)


async def show_face(seat: Seat) -> None:
    seat.tick(1)
    face = JPEG + b"face" + b"%d" % seat.device.at_ms
    await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")], [face])


async def test_the_portrait_of_a_document_that_was_asked_for_is_no_second_person(
    seat: Seat,
) -> None:
    await asked_again(seat)
    await two_people(seat, seen=b"card")
    assert not await seat.house.analysed(seat.session)


async def test_a_document_is_known_to_be_held_before_the_new_picture_of_the_face_has_come(
    seat: Seat,
) -> None:
    await ask(seat)
    seat.tick(1)
    face = JPEG + b"slow"
    await seat.send([seat.add(Kind.SNAPSHOT, blob=face, purpose="face")])
    await two_people(seat, seen=b"card")

    assert not await seat.house.analysed(seat.session)


@pytest.mark.parametrize(
    ("seen", "faces"),
    [
        pytest.param(b"two", 2, id="somebody as near as the learner"),
        pytest.param(b"two card", 3, id="somebody besides the card"),
    ],
)
async def test_a_second_person_is_counted_while_a_document_is_held_up(
    seat: Seat, seen: bytes, faces: int
) -> None:
    await asked_again(seat)
    await two_people(seat, seen=seen)

    (flag,) = await seat.house.analysed(seat.session)

    assert (flag.when, flag.value) == ("person-count", faces)  # as it was measured


@pytest.mark.parametrize(
    "company",
    [
        pytest.param("before", id="before the step is begun"),
        pytest.param("long after", id="long after"),
        pytest.param("once more", id="after a face that nobody asked for"),
        pytest.param("accepted", id="once it is decided on"),
    ],
)
async def test_company_is_a_second_person_though_a_document_was_asked_for(
    seat: Seat, company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "DOCUMENT_FOR", timedelta(seconds=10))  # the section takes 30
    if company == "before":
        await ask(seat)
    else:
        await asked_again(seat)
    if company == "once more":
        seat.tick(8)
        await show_face(seat)  # it gives no more time
        seat.tick(5)
    elif company == "long after":
        seat.tick(11)
    elif company == "accepted":
        await seat.house.identity.decide(
            seat.session, IdEvent.ACCEPT, by="bo", reason="I see it now"
        )
        seat.tick(1)
    await two_people(seat, seen=b"card")
    (flag,) = await seat.house.analysed(seat.session)
    assert flag.when == "person-count"


@pytest.mark.usefixtures("all_seen_first")
async def test_a_flag_that_grows_is_told_when_raised_and_once_more_when_all_is_over(
    seat: Seat,
) -> None:
    await two_people(seat)
    await seat.house.analysed(seat.session)
    first = await told_of(seat)
    await two_people(seat)
    await seat.house.analysed(seat.session)
    assert await told_of(seat) == first
    await seat.hand_in()
    (flag,) = await seat.house.analysed(seat.session)
    told = await told_of(seat)
    assert len(told) == 2
    assert [len(each["snapshots"]) for each in told] == [4, 8]
    assert told[1]["ended_at_ms"] == int(flag.ended_at.timestamp() * 1000)
    # And never again.
    seat.house.analysis.touch(seat.session)
    await seat.house.analysed(seat.session)
    assert await told_of(seat) == told


async def test_what_an_earlier_version_told_without_counting_is_not_told_again(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uncounted(flag: Flag) -> dict[str, Any]:
        known = facts_now(flag)
        of_before = {key: known[key] for key in known if key not in {"times", "lasted_ms"}}
        return of_before | {"explanation": "as it was worded"}

    facts_now = analysing._facts
    monkeypatch.setattr(analysing, "_facts", uncounted)
    for _ in range(2):
        seat.tick(10)
        now_ms = seat.device.at_ms
        away: dict[str, Any] = {"away_to": "https://example.org", "from_ms": now_ms - 6_000}
        await seat.send([seat.add(Kind.FOCUS, **away, to_ms=now_ms)])
    await seat.hand_in()
    (flag,) = await seat.house.analysed(seat.session)
    told = await told_of(seat)

    monkeypatch.setattr(analysing, "_facts", facts_now)
    seat.house.analysis.touch(seat.session)
    await seat.house.analysed(seat.session)
    assert flag.times == 2
    assert await told_of(seat) == told
    assert "times" not in told[-1]


async def test_pictures_that_come_in_another_order_raise_the_same_flag(seat: Seat) -> None:
    pictures = [JPEG + b"%d" % n + b"two" for n in range(4)]
    lines = []
    for picture in pictures:
        seat.tick(1)
        lines.append(seat.add(Kind.SNAPSHOT, blob=picture, purpose="periodic"))
    await seat.send(lines)
    for picture in pictures[1:]:
        await seat.send([], [picture])
    (raised,) = await seat.house.analysed(seat.session)
    await seat.send([], pictures[:1])
    (flag,) = await seat.house.analysed(seat.session)
    assert flag.id == raised.id
    assert [ref.seq for ref in flag.snapshots] == [3, 4, 5, 6]
    assert len(await told_of(seat)) == 1


async def test_what_was_pending_at_a_restart_is_looked_at(seat: Seat) -> None:
    await two_people(seat)  # and the server dies before it looked
    again = House(seat.house.store, seat.house.clock)
    await again.analysis.after_restart()
    (flag,) = await again.analysed(seat.session)
    assert flag.when == "person-count"


async def test_flags_of_a_session_that_ended_are_found_after_a_restart(seat: Seat) -> None:
    """It died between the last picture's observation and the flag."""
    await two_people(seat)
    looking = asyncio.ensure_future(seat.house.analysis._look(seat.house.analysis._lanes[0]))
    other = asyncio.ensure_future(seat.house.analysis._look(seat.house.analysis._lanes[1]))
    await until(lambda: _observed(seat, 5))
    for task in (looking, other):
        task.cancel()
    await asyncio.gather(looking, other, return_exceptions=True)
    await seat.hand_in()
    again = House(seat.house.store, seat.house.clock)
    await again.analysis.after_restart()
    assert not again.analysis.is_done(seat.session)
    assert [flag.when for flag in await again.analysed(seat.session)] == ["person-count"]


async def _observed(seat: Seat, count: int) -> bool:
    return len(await seat.house.store.observations(seat.session)) == count


async def test_what_was_decided_is_not_looked_through_at_every_restart(seat: Seat) -> None:
    await seat.hand_in()
    await seat.house.analysed(seat.session)
    await seat.house.reviews.decide(
        seat.session, by="bo", outcome=Outcome.CLEAR, reasons="calm", flags=[]
    )
    again = House(seat.house.store, seat.house.clock)
    await again.analysis.after_restart()
    assert again.analysis.is_done(seat.session)


async def test_a_queue_that_overflows_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(analysing, "MAX_WAITING", 2)
    seat = await House().seat()
    await seat.begin()
    for _ in range(6):
        await seat.snapshot(b"two")
    assert seat.house.analysis.progress().behind == 1
    assert not seat.house.analysis.is_done(seat.session)
    (flag,) = await seat.house.analysed(seat.session)
    assert len(flag.snapshots) == 6
    assert seat.house.analysis.progress() == analysing.Progress(waiting=0, behind=0)


async def test_a_full_disk_delays_an_observation_and_a_flag(seat: Seat) -> None:
    await two_people(seat)
    seat.house.store.next_fault = Fault.FULL
    (flag,) = await seat.house.analysed(seat.session)
    assert len(flag.snapshots) == 4


async def test_a_fault_while_flags_are_found_or_pictures_queued_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, seat: Seat
) -> None:
    await two_people(seat)
    flags, held = seat.house.store.flags, seat.house.store.held

    def once(method: Callable[..., Any]) -> Callable[..., Any]:
        failing = iter([True])

        async def tried(session: str) -> Any:
            if next(failing, False):
                raise OSError(5, "Input/output error")
            return await method(session)

        return tried

    monkeypatch.setattr(seat.house.store, "flags", once(flags))
    monkeypatch.setattr(seat.house.store, "held", once(held))
    seat.house.analysis._behind[seat.session] = seat.house.clock.now()
    await seat.house.analysed(seat.session)
    assert len(await flags(seat.session)) == 1


class Failing(ScriptedVision):
    """Fails for pictures that end in b"poison", and counts how often."""

    def __init__(self, error: Exception, *, times: float = float("inf")) -> None:
        self.error, self.times, self.tried = error, times, 0

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        if jpeg.endswith(b"poison"):
            self.tried += 1
            if self.tried <= self.times:
                raise self.error
        return await super().observe(stream, jpeg, face=face, sample=sample)


async def test_a_picture_that_fails_again_and_again_is_marked_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    vision = Failing(ValueError("no such thing"))
    seat = await House(vision=vision).seat()
    await seat.begin()
    await seat.snapshot(b"poison")
    await two_people(seat)
    (flag,) = await seat.house.analysed(seat.session)
    assert len(flag.snapshots) == 4
    assert vision.tried == analysing.GIVEN_UP_AFTER
    marked = [
        each.measured.unavailable
        for each in await seat.house.store.observations(seat.session)
        if each.measured.unavailable
    ]
    assert marked == [("server: looking at it failed: ValueError",)]
    assert [each.message for each in caplog.records] == ["analysis fails", "picture given up"]
    assert seat.house.analysis.progress().causes == ()


async def test_a_mark_that_cannot_be_kept_is_said_and_is_kept_later(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    vision = Failing(ValueError("no such thing"))
    seat.house.analysis._vision = vision
    observe, broken = seat.house.store.observe, [True] * 2

    async def keep(session: str, observation: Any) -> None:
        if observation.measured.unavailable and broken:
            broken.pop()
            raise LookupError("a bug")
        await observe(session, observation)

    monkeypatch.setattr(seat.house.store, "observe", keep)
    await seat.snapshot(b"poison")
    await seat.house.analysed(seat.session)
    assert vision.tried == analysing.GIVEN_UP_AFTER + 2
    assert [each.exc_info[0] for each in caplog.records if each.exc_info] == [
        ValueError,
        LookupError,
    ]
    assert seat.house.analysis.progress().causes == ()


class Refused(ScriptedVision):
    """Raises each of some errors once, for pictures that end in b"poison"."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        if jpeg.endswith(b"poison") and self.errors:
            raise self.errors.pop(0)
        return await super().observe(stream, jpeg, face=face, sample=sample)


async def test_no_picture_is_given_up_for_what_the_machine_refused(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "MOST_S", 0.002)
    refused = [OSError(11, "no process") for _ in range(2 * analysing.GIVEN_UP_AFTER)]
    seat.house.analysis._vision = Refused(*refused, ValueError("once"))
    await seat.snapshot(b"poison")
    await seat.house.analysed(seat.session)
    seen = await seat.house.store.observations(seat.session)
    assert [each.measured.unavailable for each in seen] == [(), ()]  # the face, and this one


async def test_no_picture_is_given_up_for_a_disk_that_is_away(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysing, "MAX_AT_HAND_BYTES", 0)
    monkeypatch.setattr(faults, "MOST_S", 0.002)
    await two_people(seat)
    blob, away = seat.house.store.blob, [True] * (2 * analysing.GIVEN_UP_AFTER)

    async def read(session: str, sha256: str) -> bytes:
        if away:
            away.pop()
            raise OSError(5, "Input/output error")
        return await blob(session, sha256)

    monkeypatch.setattr(seat.house.store, "blob", read)
    (flag,) = await seat.house.analysed(seat.session)
    assert len(flag.snapshots) == 4
    assert not away


async def test_pictures_behind_one_that_fails_keep_their_order(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision = Failing(ValueError("now and then"), times=2)
    seat.house.analysis._vision = vision
    await seat.snapshot(b"poison")
    await two_people(seat)
    seen: list[int] = []
    observe = seat.house.store.observe

    async def noting(session: str, observation: Any) -> None:
        seen.append(observation.seq)
        await observe(session, observation)

    monkeypatch.setattr(seat.house.store, "observe", noting)
    await seat.house.analysed(seat.session)
    assert seen == sorted(seen)
    assert vision.tried == 3


async def test_no_picture_is_marked_for_a_disk_that_takes_nothing(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await two_people(seat)
    monkeypatch.setattr(faults, "MOST_S", 0.002)
    observe, full = seat.house.store.observe, [True] * (2 * analysing.GIVEN_UP_AFTER)

    async def filled(session: str, observation: Any) -> None:
        if full:
            full.pop()
            raise StorageFull
        await observe(session, observation)

    monkeypatch.setattr(seat.house.store, "observe", filled)
    with caplog.at_level("INFO"):
        (flag,) = await seat.house.analysed(seat.session)
    assert len(flag.snapshots) == 4
    assert [each.message for each in caplog.records if each.name.endswith("faults")] == [
        "analysis fails",
        "analysis fails no more",
    ]


async def test_tries_come_ever_later_and_what_fails_is_told(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "FIRST_S", 30)
    vision = Failing(OSError(5, "Input/output error"))
    seat.house.analysis._vision = vision
    await seat.snapshot(b"poison")
    looking = asyncio.ensure_future(seat.house.analysis.run())

    async def failing() -> bool:
        return seat.house.analysis.progress().causes == ("OSError",)

    await until(failing)
    await asyncio.sleep(0.1)  # a hundred evaluations
    assert vision.tried == 1
    assert seat.house.analysis.progress().failing == 1
    assert not seat.house.analysis.is_done(seat.session)
    looking.cancel()


async def test_a_fault_is_over_with_the_picture_that_was_erased(seat: Seat) -> None:
    vision = Failing(ValueError())
    seat.house.analysis._vision = vision
    await seat.snapshot(b"poison")
    store, observe = seat.house.store, vision.observe

    async def erasing(*args: Any, **more: Any) -> Measured:
        store._blobs[seat.session].clear()
        return await observe(*args, **more)

    vision.observe = erasing  # type: ignore[method-assign] # it goes while it is looked at
    await seat.house.analysed(seat.session)
    assert seat.house.analysis.progress().failing == 0


async def test_what_learners_are_asked_for_may_fail_and_the_picture_was_looked_at(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: str) -> None:
        raise LookupError

    monkeypatch.setattr(seat.house.analysis, "_ask", broken)
    for _ in range(4):
        await seat.snapshot(b"covered")
    await seat.house.analysed(seat.session)
    assert await _observed(seat, 5)
    assert seat.house.analysis.progress().failing == 0


async def test_a_picture_that_was_erased_meanwhile_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, seat: Seat
) -> None:
    monkeypatch.setattr(analysing, "MAX_AT_HAND_BYTES", 0)
    await seat.snapshot()
    seat.house.store._blobs[seat.session].clear()
    assert await seat.house.analysed(seat.session) == []
    seen = [each.seq for each in await seat.house.store.observations(seat.session)]
    assert seen == [1]  # the face was at hand


async def test_a_session_that_was_forgotten_is_not_looked_for_again_and_again(
    seat: Seat, caplog: pytest.LogCaptureFixture
) -> None:
    analysis = seat.house.analysis
    analysis.touch("s_forgotten")
    analysis._behind["s_gone"] = seat.house.clock.now()
    await seat.house.analysed(seat.session)
    assert await seat.house.analysed("s_forgotten") == []
    assert analysis.is_done("s_gone")
    assert caplog.text == ""


class NoModel(ScriptedVision):
    missing = True

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        if self.missing:
            return Measured(unavailable=("faces: the model yunet is missing",))
        seen = await super().observe(stream, jpeg, face=face, sample=sample)
        if jpeg.endswith(b"same"):
            return replace(seen, same_person=0.9)
        if jpeg.endswith(b"compare"):
            return replace(seen, unavailable=("same person: the model sface is not there",))
        return seen


class Unreadable(ScriptedVision):
    """What ends in b"junk" is no picture."""

    async def observe(
        self, stream: str, jpeg: bytes, *, face: bytes | None = None, sample: bool = False
    ) -> Measured:
        if jpeg.endswith(b"junk"):
            return Measured(unavailable=("picture: not an image that can be read",))
        return await super().observe(stream, jpeg, face=face, sample=sample)


async def test_a_device_that_sends_no_pictures_is_asked_for_some_and_raises_quality_alone() -> None:
    seat = await House(vision=Unreadable()).seat()
    await seat.begin()
    for _ in range(12):
        await seat.snapshot(b"junk")
    flags = await seat.house.analysed(seat.session)
    assert [(flag.when, flag.flag_class) for flag in flags] == [("camera-lost", FlagClass.QUALITY)]
    session = (await seat.house.store.case(seat.session)).session
    assert [(ask.kind, ask.until) for ask in session.asks] == [("camera-lost", None)]
    for _ in range(2):
        await seat.snapshot()
    await seat.house.analysed(seat.session)
    (ask,) = (await seat.house.store.case(seat.session)).session.asks
    assert ask.until is not None


async def test_what_could_not_be_measured_raises_nothing() -> None:
    seat = await House(vision=NoModel()).seat()
    await seat.begin()
    await two_people(seat)
    assert await seat.house.analysed(seat.session) == []
    shown = await seat.house.reviews.timeline(seat.session, me="bo")
    last = shown.snapshots[-1].observation
    assert last is not None
    assert last.faces is None
    assert last.unavailable == ["faces: the model yunet is missing"]


async def test_proctors_are_told_what_the_server_lacks_until_it_has_it_again() -> None:
    vision = NoModel()
    seat = await House(vision=vision).seat()
    await seat.begin()

    async def told() -> list[str]:
        await seat.house.analysed(seat.session)
        return seat.house.reviews.pictures().unavailable

    await seat.snapshot()
    assert await told() == ["faces: the model yunet is missing"]
    vision.missing = False
    await seat.snapshot(b"compare")
    assert await told() == ["same person: the model sface is not there"]
    await seat.snapshot()  # it was not compared: nothing is known of the model
    assert await told() == ["same person: the model sface is not there"]
    await seat.snapshot(b"same")
    assert await told() == []
    # The one who reviews the session later reads of how many pictures that was.
    shown = await seat.house.reviews.timeline(seat.session, me="bo")
    assert [(each.why, each.snapshots) for each in shown.unavailable] == [
        ("faces: the model yunet is missing", 2),  # with the face
        ("same person: the model sface is not there", 1),
    ]


# --- clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "off_ms",
    [
        pytest.param(HOUR_MS, id="an hour ahead"),
        pytest.param(-HOUR_MS, id="an hour behind"),
        pytest.param(0, id="right"),
        pytest.param(-1_780_308_000_000, id="at the beginning of 1970"),
        pytest.param(2**53 - 2 - 1_780_308_100_000, id="beyond the year 9999"),
    ],
)
async def test_with_a_clock_that_is_off_flags_fall_into_the_right_section(off_ms: int) -> None:
    seat = await House().seat()
    seat.device.at_ms += off_ms
    await seat.begin()
    await seat.snapshot()
    began = seat.house.clock.now()
    await two_people(seat)
    await seat.house.sessions.close_section(seat.session, "part-a")
    await seat.house.sessions.open_section(seat.session, "part-b")
    await two_people(seat)
    flags = await seat.house.analysed(seat.session)
    assert [flag.section_id for flag in flags] == ["part-a", "part-b"]
    assert flags[0].started_at == began + timedelta(seconds=1)


@pytest.mark.parametrize("set_ms", [-HOUR_MS, HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS])
async def test_a_clock_that_is_set_in_mid_section_hides_nothing(seat: Seat, set_ms: int) -> None:
    await two_people(seat)
    seat.device.at_ms += set_ms
    await seat.snapshot()
    await two_people(seat)
    (flag,) = await seat.house.analysed(seat.session)
    assert [ref.seq for ref in flag.snapshots] == [3, 4, 5, 6, 8, 9, 10, 11]
    assert (flag.ended_at - flag.started_at) == timedelta(seconds=8)


async def test_one_record_of_another_century_hides_nothing(seat: Seat) -> None:
    """A learner can write any time into a record: it counts for that record alone."""
    await two_people(seat)
    right = seat.device.at_ms
    for lie in (2**53 - 1, 0, right + 24 * HOUR_MS, 2**45):
        seat.device.at_ms = lie
        facts: dict[str, Any] = {
            "away_to": "https://example.org",
            "from_ms": 2**53 - 1,
            "to_ms": -(2**53) + 1,
        }
        await seat.send([seat.add(Kind.FOCUS, **facts)])
    seat.device.at_ms = right
    await two_people(seat)
    flags = await seat.house.analysed(seat.session)
    (people,) = [flag for flag in flags if flag.when == "person-count"]
    assert len(people.snapshots) == 8
    assert people.section_id == "part-a"


async def test_what_was_kept_back_by_an_outage_is_placed_when_it_was_written(seat: Seat) -> None:
    """The device's clock says so, for it ran on: not when all of it came at last."""
    began = seat.house.clock.now()
    pictures, lines = [], []
    for n in range(12):
        seat.tick(2)
        pictures.append(JPEG + b"%d" % n + (b"two" if n < 4 else b""))
        lines.append(seat.add(Kind.SNAPSHOT, blob=pictures[-1], purpose="periodic"))
    before = seat.device.log.frontier
    assert before.size == len(lines) + 3
    for line, picture in zip(lines, pictures, strict=True):
        seat.device.log.frontier = Frontier().extended(
            map(leaf_hash, seat.device.log.lines[: seat.device.log.lines.index(line) + 1])
        )
        await seat.send([line], [picture])
    (flag,) = await seat.house.analysed(seat.session)
    assert flag.started_at == began + timedelta(seconds=2)
    assert flag.ended_at == began + timedelta(seconds=8)


async def test_a_cut_network_and_a_page_left_are_flags_of_their_own(seat: Seat) -> None:
    seat.tick(10)
    at = seat.device.at_ms
    gap: dict[str, Any] = {
        "cause": "network",
        "of": "contact",
        "from_ms": at - 9000,
        "to_ms": at - 1000,
    }
    focus: dict[str, Any] = {
        "away_to": "https://example.org/x?q=1",
        "from_ms": at - 8000,
        "to_ms": at,
    }
    program = seat.add(Kind.NOTICE, notice="program", program="chatgpt")
    displays = seat.add(Kind.NOTICE, notice="second-display", displays=2)
    odd = seat.add(Kind.NOTICE, notice=7, program=7, displays="two")
    await seat.send([program, displays, odd])
    await seat.send([seat.add(Kind.GAP, **gap), seat.add(Kind.FOCUS, **focus)])
    flags = await seat.house.analysed(seat.session)
    assert {"left-page", "program", "second-display"} <= {flag.when for flag in flags}
    assert {str(flag.flag_class) for flag in flags if flag.when == "second-display"} == {"quality"}


def test_only_faces_and_periodic_snapshots_are_watched() -> None:
    device = Device(None)  # type: ignore[arg-type] # it has no network
    device.joined = {"session": "s_1"}
    watched = {
        purpose: is_watched(parse(device.add(Kind.SNAPSHOT, blob=JPEG, purpose=purpose)))
        for purpose in ("periodic", "face", "document", "file")
    }
    assert watched == {"periodic": True, "face": True, "document": False, "file": False}


async def test_what_went_on_twice_is_told_by_how_long_to_everybody(seat: Seat) -> None:
    """To the learner, at the desk, in the table, in the log: 12 seconds, not from first to last."""
    for _ in range(2):
        seat.tick(10)
        now_ms = seat.device.at_ms
        facts: dict[str, Any] = {"away_to": "https://example.org"}
        away = seat.add(Kind.FOCUS, **facts, from_ms=now_ms - 6_000, to_ms=now_ms)
        await seat.send([away])
    (flag,) = await seat.house.analysed(seat.session)

    assert (flag.times, flag.lasted) == (2, timedelta(seconds=12))
    assert flag.ended_at - flag.started_at == timedelta(seconds=16)
    assert "for 12 seconds in all, 2 times" in flag.explanation
    shown = flag_view(flag)
    assert (shown.times, shown.lasted_ms) == (2, 12_000)
    names, row = [row async for row in ExamTables(seat.house.store).rows("short", Table.FLAGS)]
    told = dict(zip(names, row, strict=True))
    assert (told["times"], told["lasted_s"]) == (2, 12.0)
    lines = await seat.house.store.server_lines(seat.session)
    (record,) = [record for line in lines if (record := parse(line)).kind is Kind.FLAG]
    assert (record.facts["times"], record.facts["lasted_ms"]) == (2, 12_000)

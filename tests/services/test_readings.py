"""What machines make of a check-in: read off the request path, kept, and noted in the log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from proctor.adapters import policies
from proctor.domain.document import DocumentRead
from proctor.domain.identity import Checked, CheckKind, IdEvent, IdState
from proctor.domain.mrz import Mrz
from proctor.domain.observation import Compared, Face
from proctor.domain.session import ExamSession, State
from proctor.evidence.record import Kind, parse
from proctor.services import one_account, readings
from proctor.services.journal import milliseconds
from proctor.services.ports import StorageFull
from proctor.services.readings import NO_READER
from proctor.services.retention import Retention
from tests.conftest import ScriptedVision, until
from tests.device import JPEG
from tests.memory_store import Fault
from tests.services.house import House, Seat

MRZ = Mrz(
    format="TD3",
    code="P",
    issuer="UTO",
    number="L898902C3",
    nationality="UTO",
    birth=date(1990, 8, 12),
    sex="F",
    expiry=date(2030, 4, 15),
    surname="LOVELACE",
    given="ADA",
    failed=(),
    lines=(),
)
PORTRAIT = Face(x=10, y=20, width=30, height=40, score=0.9)


class ScriptedReader:
    """Reads a number in each document: what stands behind b"number="."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        self.fails = 0
        self.began = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()

    async def read(self, picture: bytes) -> DocumentRead:
        self.began.set()
        await self.may_read.wait()
        self.pictures.append(picture)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("LOVELACE")
        number = picture.partition(b"number=")[2].decode()
        if not number:
            return DocumentRead(lines=("UTOPIA",))
        return DocumentRead(lines=("P<UTO",), mrz=replace(MRZ, number=number), portrait=PORTRAIT)

    async def close(self) -> None:
        return None


def a_house() -> tuple[House, ScriptedReader]:
    reader = ScriptedReader()
    return House(reader=reader), reader


@asynccontextmanager
async def reading(house: House) -> AsyncIterator[None]:
    work = asyncio.ensure_future(house.readings.run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def checks_of(seat: Seat) -> dict[CheckKind, str]:
    session = (await seat.house.store.case(seat.session)).session
    return {each.check: each.result for each in session.id_check.checks}


async def is_searched(seat: Seat) -> bool:
    return CheckKind.ONE_FACE in await checks_of(seat)


async def test_a_check_in_is_read_and_its_checks_are_noted_without_a_decision() -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    async with reading(house):
        await seat.check_in("ada", b"number=L1 who=ada")
        await until(lambda: is_searched(seat))

    assert reader.pictures == [JPEG + b"number=L1 who=ada"]
    session = (await house.store.case(seat.session)).session
    assert (session.state, session.id_check.state) == (State.CHECK_IN, IdState.CAPTURED)
    kept = await house.store.reading(seat.session)
    assert kept is not None
    assert kept.read is not None
    assert kept.read.lines == ("P<UTO",)
    assert (await checks_of(seat))[CheckKind.FACE] == "agrees"
    assert (await checks_of(seat))[CheckKind.ONE_DOCUMENT] == "agrees"
    records = [parse(line) for line in await house.store.server_lines(seat.session)]
    told = [record.facts for record in records if record.kind is Kind.ID_CHECK]
    assert [facts["by"] for facts in told] == ["learner", "machine", "machine"]
    assert told[-1]["state"] == "captured"
    assert {"check": "digits", "by": "machine", "result": "agrees"} in told[-1]["checks"]
    # Nothing of what was read stands in the log, nor in the session's own row.
    for secret in ("L1", "LOVELACE", "P<UTO", "1990"):
        # Keys and digests in other records hold any two letters by chance.
        assert all(secret.encode() not in line for line in records_of(told))
        assert secret not in repr(session.id_check)


def records_of(records: Sequence[object]) -> list[bytes]:
    return [repr(record).encode() for record in records]


async def test_without_a_reader_it_is_said_that_nothing_was_read() -> None:
    house = House()
    seat = await house.seat(policy="closed-book")
    await seat.check_in()
    assert await house.readings.read(seat.session)
    kept = await house.store.reading(seat.session)
    assert kept is not None
    assert kept.read == NO_READER
    made = await checks_of(seat)
    assert made.pop(CheckKind.FACES) == "agrees"  # of the check-in picture, which needs no reader
    assert set(made.values()) == {"unavailable"}
    desk = await house.desks.desk(seat.session, me="bo")
    assert desk.reading is not None
    assert desk.reading.state == "unavailable"
    # People read why, without the machine's word for what.
    assert NO_READER.unavailable == ("text: this server reads no documents",)
    assert desk.reading.unavailable == ("this server reads no documents",)


async def test_what_was_not_read_is_read_after_a_restart() -> None:
    house, reader = a_house()
    seats = [await house.seat(policy="closed-book") for _ in range(2)]
    for seat in seats:
        await seat.check_in("ada", b"number=L1")
    again = House(house.store, house.clock, reader=reader)
    async with reading(again):
        for seat in seats:
            await until(lambda seat=seat: is_searched(seat))  # type: ignore[misc] # mypy can't infer it
    assert len(reader.pictures) == 2
    # And not once more.
    third = House(house.store, house.clock, reader=reader)
    async with reading(third):
        await until(lambda: _is_idle(third))
    assert len(reader.pictures) == 2


async def _is_idle(house: House) -> bool:
    await asyncio.sleep(0)
    return house.readings.waiting + house.accounts.waiting == 0


async def test_a_search_that_a_restart_cut_short_does_not_read_the_document_again() -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    assert await house.readings.read(seat.session)
    assert not await is_searched(seat)
    again = House(house.store, house.clock, reader=reader)
    async with reading(again):
        await until(lambda: is_searched(seat))
    assert len(reader.pictures) == 1


async def test_new_pictures_are_read_and_checks_of_the_old_ones_are_not_noted() -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    reader.may_read.clear()
    async with reading(house):
        await seat.check_in("ada", b"number=L1")
        await asyncio.sleep(0)
        seat.tick(1)
        await house.identity.decide(seat.session, IdEvent.ASK_AGAIN, by="bo", reason="again")
        seat.tick(1)
        await seat.show_papers("ada", b"number=L2")
        await house.identity.check_in(seat.session, "d_test")
        reader.may_read.set()
        await until(lambda: is_searched(seat))
    kept = await house.store.reading(seat.session)
    assert kept is not None
    assert kept.read is not None
    assert kept.read.mrz is not None
    assert kept.read.mrz.number == "L2"


@pytest.mark.parametrize(
    "under_way",
    [pytest.param(False, id="before it is read"), pytest.param(True, id="while it is read")],
)
async def test_pictures_are_read_though_new_ones_are_asked_for_meanwhile(under_way: bool) -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    reader.may_read.clear()
    work = asyncio.ensure_future(house.readings.read(seat.session)) if under_way else None
    if under_way:
        await reader.began.wait()
    seat.tick(1)
    await house.identity.decide(seat.session, IdEvent.ASK_AGAIN, by="bo", reason="again")
    reader.may_read.set()
    assert await (work or house.readings.read(seat.session))
    await house.accounts.face(seat.session)

    seat.tick(1)
    reason = "I see it now"
    await house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo", reason=reason)

    made = await checks_of(seat)
    assert made[CheckKind.ONE_DOCUMENT] == "agrees"
    assert made[CheckKind.ONE_FACE] == "agrees"


async def test_what_a_person_decides_by_after_the_end_is_read_after_a_restart() -> None:
    house, reader = a_house()
    seat = await house.seat()
    await seat.check_in("ada", b"number=L1")
    await house.sessions.open_section(seat.session, "part-a")
    await house.identity.decide(seat.session, IdEvent.ASK_AGAIN, by="bo", reason="again")
    await seat.hand_in()
    async with reading(House(house.store, house.clock, reader=reader)):
        await until(lambda: is_searched(seat))


async def test_a_picture_that_comes_after_the_check_in_is_not_what_is_read() -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    seat.tick(60)
    await seat.show_papers("eve", b"number=L9")
    assert await house.readings.read(seat.session)
    assert reader.pictures == [JPEG + b"number=L1"]


async def test_a_picture_that_is_still_on_its_way_is_waited_for() -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.send([seat.device.hello()])
    document, face = JPEG + b"number=L1", JPEG + b"face"
    lines = [
        seat.add(Kind.SNAPSHOT, blob=face, purpose="face"),
        seat.add(Kind.SNAPSHOT, blob=document, purpose="document"),
    ]
    await seat.send(lines, [face])
    await house.identity.check_in(seat.session, "d_test")
    assert not await house.readings.read(seat.session)
    await seat.send([], [document])
    assert await house.readings.read(seat.session)
    assert reader.pictures == [document]


async def test_a_fault_of_the_reader_s_or_a_full_disk_loses_nothing() -> None:
    house, reader = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    reader.fails = 1
    with pytest.raises(RuntimeError):
        await house.readings.read(seat.session)
    house.store.next_fault = Fault.FULL
    with pytest.raises(Exception, match="can't store"):
        await house.readings.read(seat.session)
    assert await house.readings.read(seat.session)


async def test_one_that_fails_does_not_stop_the_next_and_no_log_quotes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house, reader = a_house()
    first, second = [await house.seat(policy="closed-book") for _ in range(2)]
    reader.fails = 1
    async with reading(house):
        await first.check_in("ada", b"number=L1")
        await second.check_in("bob", b"number=L2")
        await until(lambda: is_searched(second))
        assert house.readings.waiting == 1
    assert not await is_searched(first)
    assert "RuntimeError" in str([vars(each) for each in caplog.records])
    assert "LOVELACE" not in caplog.text


async def test_a_policy_without_documents_has_the_face_alone() -> None:
    house, reader = a_house()
    policy = policies.load(policies.builtin_folder() / "closed-book.toml")
    body = policy.body.replace(b'"government-photo-id"', b'"none"')
    assert body != policy.body
    seat = await house.seat(policy="closed-book", connected=False)
    published = await house.cases.published((await house.cases.get(seat.session)).session)
    none = replace(published.policy.identity, document="none")
    changed = replace(published, policy=replace(published.policy, identity=none))
    house.cases._published[published.exam_sha256 + published.policy_sha256] = changed
    await seat.connect()
    await seat.check_in("ada", b"number=L1")
    async with reading(house):
        await until(lambda: is_searched(seat))
    assert reader.pictures == []
    assert await checks_of(seat) == {CheckKind.FACES: "agrees", CheckKind.ONE_FACE: "agrees"}
    desk = await house.desks.desk(seat.session, me="bo")
    assert (desk.reading, desk.asked_for) == (None, "no document")


async def test_a_rehearsal_is_not_read() -> None:
    house, reader = a_house()
    seat = await house.seat()
    await seat.check_in()
    case = await house.cases.get(seat.session)
    practice = replace(case.session, rehearsal_of="s_real")
    house.cases._keep(await house.store.save(case, practice))
    assert await house.readings.read(seat.session)
    assert reader.pictures == []
    assert house.waits.waiting() == []


async def test_what_was_read_goes_with_the_document_s_term() -> None:
    house, _ = a_house()
    seat = await house.seat(policy="demo")
    await seat.begin()
    assert await house.readings.read(seat.session)
    await seat.hand_in()
    await house.analysed(seat.session)
    retention = Retention(house.store, house.cases, house.analysis.is_done)
    await retention.run()
    assert await house.store.reading(seat.session) is not None
    published = await house.cases.published((await house.cases.get(seat.session)).session)
    house.clock.pass_(timedelta(days=published.policy.retain.id_document_days + 1).total_seconds())
    await retention.run()
    assert await house.store.reading(seat.session) is None
    desk = await house.desks.desk(seat.session, me="bo")
    assert desk.reading is not None
    assert desk.reading.state == "erased"
    # That it was checked, and how, is still known.
    assert {each.check for each in desk.checks} >= {"digits", "name"}
    assert "Check digits" not in desk.checks[0].words


class Apart(ScriptedVision):
    async def compare(self, face: bytes, document: bytes, *, at: Face | None = None) -> Compared:
        del face, document, at
        return Compared(same_person=0.1)


async def test_a_face_unlike_the_portrait_is_a_concern_and_no_more() -> None:
    house = House(vision=Apart(), reader=ScriptedReader())
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    assert await house.readings.read(seat.session)
    (row,) = (await house.desks.queue(None)).waiting
    assert row.concerns == ("the face and the portrait look unlike",)
    assert row.state == "captured"


async def test_two_people_in_the_check_in_picture_are_the_first_thing_that_the_desk_says() -> None:
    house = House(vision=Apart(), reader=ScriptedReader())
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada and two", b"number=L1")
    assert await house.readings.read(seat.session)

    (row,) = (await house.desks.queue(None)).waiting
    assert row.concerns == (
        "more than one face is in the check-in picture",
        "the face and the portrait look unlike",
    )
    assert row.state == "captured"
    desk = await house.desks.desk(seat.session, me="bo")
    first = desk.checks[0]
    assert (first.check, first.result) == ("faces", "differs")
    assert first.words.startswith("2 faces were found in the check-in picture.")
    assert desk.assurance[0] == "More than one face was found in the check-in picture (machine)"


# --- one account per learner -------------------------------------------------------------------


async def test_a_face_that_the_policy_does_not_compare_is_on_no_list_of_faces() -> None:
    """Its learner has read the rules, and that it is compared does not stand there."""
    house = House(reader=ScriptedReader())
    seats = [
        await house.seat(policy="closed-book", learner=name) for name in ("Ada Lovelace", "Bob Roe")
    ]
    first = await house.cases.get(seats[0].session)
    policy = (await house.cases.published(first.session)).policy
    object.__setattr__(policy, "identity", replace(policy.identity, face="none"))
    for seat, number in zip(seats, (b"L1", b"L2"), strict=True):
        await seat.check_in("ada", b"number=" + number + b" who=ada")
        assert await house.readings.read(seat.session)
        await house.accounts.face(seat.session)

    for seat in seats:
        assert (await checks_of(seat))[CheckKind.ONE_FACE] == "unavailable"
        assert CheckKind.FACE not in await checks_of(seat)
        assert await house.store.faces(seat.session, most=9) == []
        assert await house.store.raised(seat.session) == []


async def two_learners(
    house: House, *, numbers: tuple[str, str], faces: tuple[str, str]
) -> list[Seat]:
    seats = [
        await house.seat(policy="closed-book", learner=name) for name in ("Ada Lovelace", "Bob Roe")
    ]
    for seat, number, face in zip(seats, numbers, faces, strict=True):
        await seat.check_in(face, b"number=" + number.encode())
        seat.tick(1)
    return seats


async def test_what_was_raised_stays_at_the_head_of_the_queue_when_new_pictures_are_shown() -> None:
    house, _ = a_house()
    ada, bob = await two_learners(house, numbers=("L1", "L1"), faces=("ada", "bob"))
    cyd = await house.seat(policy="closed-book", learner="Cyd Poe")
    await cyd.check_in("cyd", b"number=L3")
    for seat in (ada, bob):
        assert await house.readings.read(seat.session)
    bob.tick(1)
    await house.identity.decide(bob.session, IdEvent.ASK_AGAIN, by="bo", reason="again")
    bob.tick(1)
    await bob.show_papers("bob", b"number=L9")
    await house.identity.check_in(bob.session, "d_test")

    rows = (await house.desks.queue(None)).waiting

    assert [(row.session, row.raised) for row in rows] == [
        (ada.session, 1),
        (bob.session, 1),
        (cyd.session, 0),
    ]


async def test_a_document_on_two_accounts_is_raised_on_both_and_nothing_happens() -> None:
    house, _ = a_house()
    ada, bob = await two_learners(house, numbers=("L1", "L1"), faces=("ada", "bob"))
    async with reading(house):
        for seat in (ada, bob):
            await until(lambda seat=seat: is_searched(seat))  # type: ignore[misc] # mypy can't infer it
    for seat, other, learner in ((ada, bob, "Bob Roe"), (bob, ada, "Ada Lovelace")):
        desk = await house.desks.desk(seat.session, me="bo")
        assert [(each.why, each.session, each.learner) for each in desk.raised] == [
            ("same-document", other.session, learner)
        ]
        assert desk.state == "captured"
        assert (await checks_of(seat))[CheckKind.ONE_DOCUMENT] == "differs"
        assert (await checks_of(seat))[CheckKind.ONE_FACE] == "agrees"
    rows = (await house.desks.queue(None)).waiting
    assert [row.raised for row in rows] == [1, 1]


@pytest.mark.parametrize(
    ("fault", "starts"),
    [
        pytest.param(None, 1, id="at the next start"),
        pytest.param(Fault.BEFORE_COMMIT, 2, id="at the start after, where one of them failed"),
        pytest.param(Fault.FULL, 1, id="as soon as the disk has room"),
    ],
)
async def test_documents_that_match_only_since_an_upgrade_are_raised(
    fault: Fault | None, starts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "AGAIN_AFTER_S", 0.001)
    house, _ = a_house()
    seats = await two_learners(house, numbers=("L1", "L1"), faces=("ada", "bob"))
    for seat in seats:
        assert await house.readings.read(seat.session)
        house.store.document_as_before(seat.session)
        await house.accounts.face(seat.session)
        assert (await checks_of(seat))[CheckKind.ONE_DOCUMENT] == "agrees"
    house.store.next_fault = fault

    async def are_kept() -> bool:
        return not await house.store.documents_of_before()

    async def is_found() -> bool:
        checks = [(await checks_of(seat))[CheckKind.ONE_DOCUMENT] for seat in seats]
        return checks == ["differs", "differs"]

    if starts == 2:
        await house.readings._find()
        assert len(await house.store.documents_of_before()) == 1
        assert not await is_found()
    async with reading(house):
        await until(is_found)
        await until(are_kept)
    for seat in seats:
        assert [each.why for each in await house.store.raised(seat.session)] == ["same-document"]


async def test_a_document_that_may_be_misread_is_compared_with_none_since_an_upgrade() -> None:
    house, _ = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    assert await house.readings.read(seat.session)
    await house.accounts.face(seat.session)
    assert (await checks_of(seat))[CheckKind.ONE_DOCUMENT] == "agrees"
    kept = await house.store.reading(seat.session)
    assert kept is not None
    misread = replace(kept, read=DocumentRead(mrz=replace(MRZ, failed=("birth",))))
    at = (await house.store.case(seat.session)).session.id_check.captured_at
    assert at is not None
    await house.store.keep_reading(seat.session, misread, programme="mm", at=at)
    house.store.document_as_before(seat.session)
    await house.readings._find()
    assert (await checks_of(seat))[CheckKind.ONE_DOCUMENT] == "unavailable"
    assert await house.store.documents_of_before() == []


async def test_a_face_on_two_accounts_puts_both_at_the_head_even_if_one_was_accepted() -> None:
    house, _ = a_house()
    early = await house.seat(policy="closed-book", learner="Cyd Doe")
    await early.check_in("cyd", b"number=L3")
    early.tick(1)
    ada = await house.seat(policy="closed-book", learner="Ada Lovelace")
    await ada.check_in("ada", b"number=L1")
    async with reading(house):
        await until(lambda: is_searched(ada))
        await house.identity.decide(ada.session, IdEvent.ACCEPT, by="bo")
        ada.tick(1)
        bob = await house.seat(policy="closed-book", learner="Bob Roe")
        await bob.check_in("ada", b"number=L2")
        await until(lambda: is_searched(bob))
    queue = await house.desks.queue(None)
    assert [row.learner for row in queue.waiting] == ["Bob Roe", "Ada Lovelace", "Cyd Doe"]
    accepted = queue.waiting[1]
    assert (accepted.state, accepted.hold, accepted.raised) == ("accepted", False, 1)
    (found,) = (await house.desks.desk(bob.session, me="bo")).raised
    assert (found.why, found.learner, found.value) == ("same-face", "Ada Lovelace", 0.9)
    assert (found.session, found.exam, found.yours) == (ada.session, "short", True)
    # Whoever is not for that exam reads that there is somebody, and where to ask; not whom.
    elsewhere = await house.desks.desk(bob.session, me="bo", own=frozenset({"another"}))
    (hidden,) = elsewhere.raised
    assert (hidden.why, hidden.session, hidden.value) == ("same-face", "elsewhere-1", 0.9)
    assert (hidden.exam, hidden.learner, hidden.yours) == ("short", "", False)
    assert not any(each in repr(elsewhere) for each in ("Ada Lovelace", ada.session))
    # A person looks again, and says that it is no matter.
    ada.tick(30)
    await house.identity.decide(ada.session, IdEvent.ACCEPT, by="bo")
    queue = await house.desks.queue(None)
    assert [row.learner for row in queue.waiting] == ["Bob Roe", "Cyd Doe"]


@pytest.mark.parametrize(
    ("accounts", "raised"),
    [
        pytest.param(("u17", "u18"), 1, id="two accounts under one name"),
        pytest.param(("u17", "u17"), 0, id="one account, two names"),
        pytest.param(("u17", ""), 0, id="of one it is not told: the name decides"),
    ],
)
async def test_accounts_are_told_apart_by_what_invitations_say_they_are(
    accounts: tuple[str, str], raised: int
) -> None:
    house, _ = a_house()
    names = ("Ada Lovelace", "Bob Roe" if accounts[0] == accounts[1] else "Ada Lovelace")
    seats = [
        await house.seat(policy="closed-book", learner=name, account=account)
        for name, account in zip(names, accounts, strict=True)
    ]
    for seat in seats:
        await seat.check_in("ada", b"number=L1")
        seat.tick(1)
    async with reading(house):
        for seat in seats:
            await until(lambda seat=seat: is_searched(seat))  # type: ignore[misc] # mypy can't infer it
    for seat in seats:
        whys = [each.why for each in await house.store.raised(seat.session)]
        assert sorted(whys) == ["same-document", "same-face"][: 2 * raised]


async def test_one_learner_s_two_exams_are_one_account() -> None:
    house, _ = a_house()
    seats = [
        await house.seat(policy="closed-book", learner=name)
        for name in ("Ada Lovelace", "ada  lovelace")
    ]
    for seat in seats:
        await seat.check_in("ada", b"number=L1")
    async with reading(house):
        for seat in seats:
            await until(lambda seat=seat: is_searched(seat))  # type: ignore[misc] # mypy can't infer it
    for seat in seats:
        assert list(await house.store.raised(seat.session)) == []


async def test_what_is_raised_already_is_not_raised_again() -> None:
    house, _ = a_house()
    ada, bob = await two_learners(house, numbers=("L1", "L1"), faces=("x", "x"))
    for seat in (ada, bob, bob):
        assert await house.readings.read(seat.session)
    await house.accounts.face(bob.session)
    before = await house.store.case(ada.session)
    await house.accounts.face(bob.session)
    assert await house.store.case(ada.session) == before
    assert {each.why for each in await house.store.raised(ada.session)} == {
        "same-document",
        "same-face",
    }


async def test_a_search_waits_for_the_snapshots_and_a_face_nobody_found_is_not_compared() -> None:
    house, _ = a_house()
    ada, bob = await two_learners(house, numbers=("L1", "L2"), faces=("ada", ""))
    for seat in (ada, bob):
        assert await house.readings.read(seat.session)
    house.busy = True
    search = asyncio.ensure_future(house.accounts.face(bob.session))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not search.done()
    house.busy = False
    await search
    assert (await checks_of(bob))[CheckKind.ONE_FACE] == "unavailable"


async def test_a_face_that_was_erased_meanwhile_is_passed_over() -> None:
    house, _ = a_house()
    ada, bob = await two_learners(house, numbers=("L1", "L2"), faces=("x", "x"))
    for seat in (ada, bob):
        assert await house.readings.read(seat.session)
    listed = await house.store.faces(bob.session, most=9)
    await house.store.erase(ada.session, [listed[0].sha256])
    await house.accounts._compare((await house.cases.get(bob.session)).session, b"who=x", listed)
    assert list(await house.store.raised(bob.session)) == []


async def test_a_face_that_is_shown_anew_while_it_is_compared_marks_nothing_new() -> None:
    house, _ = a_house()
    ada, bob = await two_learners(house, numbers=("L1", "L2"), faces=("x", "x"))
    for seat in (ada, bob):
        assert await house.readings.read(seat.session)
    before = (await house.cases.get(bob.session)).session
    listed = await house.store.faces(bob.session, most=9)
    for seat in (ada, bob):
        seat.tick(1)
        await house.identity.decide(seat.session, IdEvent.ASK_AGAIN, by="bo", reason="again")
        seat.tick(1)
        await seat.show_papers("other", b"number=L3")
        await house.identity.check_in(seat.session, "d_test")

    await house.accounts._compare(before, b"who=x", listed)

    for seat in (ada, bob):
        assert await checks_of(seat) == {}
        assert (await house.store.case(seat.session)).session.id_check.doubted_at is None
        # That both showed it once is a fact, and people read it.
        assert [each.why for each in await house.store.raised(seat.session)] == ["same-face"]


async def shown_anew(house: House, who: str, number: str) -> Seat:
    """A learner who was accepted as ada, and has shown another face and document since."""
    seat = await house.seat(policy="closed-book", learner="Ada Lovelace")
    await seat.check_in("ada", b"number=L1")
    assert await house.readings.read(seat.session)
    await house.accounts.face(seat.session)
    await house.identity.decide(seat.session, IdEvent.ACCEPT, by="bo")
    seat.tick(1)
    await house.identity.decide(seat.session, IdEvent.ASK_AGAIN, by="bo", reason="again")
    seat.tick(1)
    await seat.show_papers(who, b"number=" + number.encode())
    await house.identity.check_in(seat.session, "d_test")
    assert await house.readings.read(seat.session)
    await house.accounts.face(seat.session)
    seat.tick(1)
    return seat


async def compared(house: House, learner: str, who: str, number: str) -> Seat:
    seat = await house.seat(policy="closed-book", learner=learner)
    await seat.check_in(who, b"number=" + number.encode())
    assert await house.readings.read(seat.session)
    await house.accounts.face(seat.session)
    return seat


@pytest.mark.parametrize(
    ("who", "number", "why"),
    [
        pytest.param("ada", "L2", "same-face", id="the face"),
        pytest.param("bob", "L1", "same-document", id="the document"),
    ],
)
async def test_what_was_accepted_is_found_while_new_pictures_are_not(
    who: str, number: str, why: str
) -> None:
    house, _ = a_house()
    ada = await shown_anew(house, "eve", "L9")
    made = await checks_of(ada)
    bob = await compared(house, "Bob Roe", who, number)

    for seat, other in ((bob, ada), (ada, bob)):
        (raised,) = await house.store.raised(seat.session)
        assert (raised.why, raised.other) == (why, other.session)
        assert (await house.store.case(seat.session)).session.id_check.doubted_at is not None
    # Of what she shows now it says nothing.
    assert await checks_of(ada) == made
    assert set(made.values()) <= {"agrees", "unsure", "unavailable", "differs"}
    # What nobody has accepted is not found from there, but finds.
    eve = await compared(house, "Eve Moneypenny", "eve", "L9")
    assert list(await house.store.raised(eve.session)) == []


async def test_what_is_accepted_in_place_of_others_is_compared_and_found_from_then_on() -> None:
    house, _ = a_house()
    ada = await shown_anew(house, "eve", "L9")
    eve = await compared(house, "Eve Moneypenny", "eve", "L9")
    assert list(await house.store.raised(eve.session)) == []
    async with reading(house):
        await house.identity.decide(ada.session, IdEvent.ACCEPT, by="bo")
        await until(lambda: is_searched(ada))
    found = {each.why for each in await house.store.raised(ada.session)}
    assert found == {"same-face", "same-document"}
    assert (await checks_of(ada))[CheckKind.ONE_FACE] == "differs"
    assert (await house.store.case(eve.session)).session.id_check.doubted_at is not None
    # Those before are found no more.
    bob = await compared(house, "Bob Roe", "ada", "L1")
    assert list(await house.store.raised(bob.session)) == []


async def test_pictures_that_were_refused_leave_those_that_were_accepted_to_be_found() -> None:
    house, _ = a_house()
    ada = await shown_anew(house, "eve", "L9")
    for by in ("bo", "ann"):
        await house.identity.decide(ada.session, IdEvent.REFUSE, by=by, reason="another person")
    bob = await compared(house, "Bob Roe", "ada", "L1")
    assert {each.other for each in await house.store.raised(bob.session)} == {ada.session}


async def test_a_face_that_nobody_found_agrees_with_nothing_even_alone() -> None:
    house, _ = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("", b"number=L1")
    assert await house.readings.read(seat.session)
    await house.accounts.face(seat.session)
    assert (await checks_of(seat))[CheckKind.ONE_FACE] == "unavailable"


async def test_a_search_that_fails_is_made_again_and_one_added_meanwhile_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(one_account, "AGAIN_AFTER_S", 0.01)
    house, _ = a_house()
    accounts, looked = house.accounts, 0

    async def face(session_id: str) -> None:
        nonlocal looked
        looked += 1
        if looked == 1:
            accounts.add(session_id)  # its new pictures were read
        elif looked <= 3:
            raise StorageFull

    resting: list[int] = []
    add_later = accounts._add_later

    async def later(session_id: str, rest: float) -> None:
        resting.append(accounts.waiting)
        await add_later(session_id, rest)

    monkeypatch.setattr(accounts, "face", face)
    monkeypatch.setattr(accounts, "_add_later", later)
    async with reading(house):
        accounts.add("s_one")
        await until(lambda: _has(lambda: looked == 4 and accounts.waiting == 0))
    assert resting == [1, 1]


async def _has(what: Callable[[], bool]) -> bool:
    await asyncio.sleep(0.001)
    return what()


async def test_a_database_that_fails_once_ends_no_reading(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readings, "AGAIN_AFTER_S", 0.01)
    house, _ = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in("ada", b"number=L1")
    again = House(house.store, house.clock, reader=ScriptedReader())
    cases, fails = house.store.cases, 2

    async def failing(exams: str | frozenset[str] | None, **paged: Any) -> Any:
        nonlocal fails
        fails -= 1
        if fails >= 0:
            raise ConnectionError("LOVELACE")
        return await cases(exams, **paged)

    monkeypatch.setattr(house.store, "cases", failing)
    async with reading(again):
        await until(lambda: is_searched(seat))
    assert "check-ins not found" in caplog.text
    assert "LOVELACE" not in caplog.text


# --- waits -------------------------------------------------------------------------------------


async def test_waits_are_measured_and_survive_a_restart() -> None:
    house, _ = a_house()
    assert (await house.desks.queue(None)).waited_s_longest is None
    seats = []
    for _ in range(3):
        seat = await house.seat(policy="closed-book")
        await seat.check_in()
        seat.tick(60)
        seats.append(seat)
    await house.identity.decide(seats[0].session, IdEvent.ACCEPT, by="bo")
    await house.identity.decide(seats[1].session, IdEvent.REFUSE, by="bo", reason="no")
    again = House(house.store, house.clock)
    await again.waits.after_restart()
    for each in (house, again):
        queue = await each.desks.queue(None)
        assert [row.session for row in queue.waiting] == [seats[1].session, seats[2].session]
        assert queue.waiting[0].proposed_by == "bo"
        assert queue.waiting[0].since_ms == milliseconds(house.clock.now()) - 120_000
        assert (queue.waited_s_longest, queue.waited_s_median) == (120, 180)
        assert await each.desks.queue("short") == queue
        assert await each.desks.queue("short", own=frozenset({"short", "none"})) == queue
        for other in (
            await each.desks.queue("none"),  # of one exam, the waits of that exam
            await each.desks.queue("short", own=frozenset({"none"})),
        ):
            assert other.waiting == ()
            assert (other.waited_s_longest, other.waited_s_median) == (None, None)
    house.clock.pass_(timedelta(hours=25).total_seconds())
    assert (await house.desks.queue(None)).waited_s_median is None


async def test_a_session_of_before_without_a_time_still_waits() -> None:
    house, _ = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in()

    def as_before(session: ExamSession, _now: object) -> ExamSession:
        return replace(session, id_check=replace(session.id_check, captured_at=None))

    await house.cases.change(seat.session, as_before, by="clock")
    (row,) = (await house.desks.queue(None)).waiting
    assert row.session == seat.session
    assert await house.readings.read(seat.session)  # there is no saying which pictures were meant


async def test_the_proposer_may_not_confirm_and_another_may() -> None:
    house, _ = a_house()
    seat = await house.seat(policy="closed-book")
    await seat.check_in()
    desk = await house.desks.desk(seat.session, me="bo")
    assert (desk.proposed, desk.may_confirm) == (None, False)
    await house.identity.decide(seat.session, IdEvent.REFUSE, by="bo", reason="no")
    for me, may in (("bo", False), ("cy", True)):
        desk = await house.desks.desk(seat.session, me=me)
        assert desk.proposed is not None
        assert (desk.proposed.reason, desk.may_confirm) == ("no", may)


def test_checked_says_nothing_of_what_was_read() -> None:
    assert set(Checked.__slots__) == {"check", "result"}

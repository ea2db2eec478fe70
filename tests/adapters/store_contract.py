"""What each Store does. Subclass it and give `store`:

class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> Store:
        return MemoryStore()
"""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from proctor.adapters import exams, policies
from proctor.domain.document import DocumentRead
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.id_checks import IdReading, MachineCheck
from proctor.domain.identity import CheckKind
from proctor.domain.mrz import Mrz
from proctor.domain.observation import Face, Measured, Model, Observation
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.session import ExamSession, SectionRun, State
from proctor.domain.timing import Cause, LedgerEntry
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.ports import (
    Append,
    Case,
    Conflict,
    Device,
    NotFound,
    Published,
    Raised,
    ShownFace,
    Store,
)
from tests.conftest import SHORT_EXAM

NOW = datetime(2026, 6, 1, 10, 0, 0, 123000, tzinfo=UTC)
EXAM = exams.load(SHORT_EXAM).body
POLICY = policies.load(policies.builtin_folder() / "demo.toml").body
STRICTER = policies.load(policies.builtin_folder() / "closed-book.toml").body


def session(id_: str = "s_1", *, made_at: datetime = NOW, exam: str = "short") -> ExamSession:
    return ExamSession(
        id=id_,
        exam=exam,
        exam_sha256="e" * 64,
        policy_sha256="a" * 64,
        learner="Ada Lovelace, Ἄδα",
        made_at=made_at,
        sections=(SectionRun(id="part-a", limit=timedelta(seconds=30)),),
        in_order=True,
    )


async def created(store: Store, id_: str = "s_1", *, made_at: datetime = NOW) -> Case:
    return await store.create(
        session(id_, made_at=made_at), join_sha256=f"join {id_}", lines=[b"opened"]
    )


def device(id_: str = "d_1", *, token: str = "token", of: str = "s_1") -> Device:
    return Device(id=id_, session=of, key=f"{id_}+key", kind="desktop", token_sha256=token)


def append(
    before: Frontier,
    *lines: bytes,
    blobs: tuple[bytes, ...] = (),
    receipt: bytes = b"note",
    at: datetime = NOW,
    of: str = "s_1",
) -> Append:
    return Append(
        session=of,
        device="d_1",
        first=before.size,
        lines=lines,
        frontier=before.extended(map(leaf_hash, lines)),
        receipt=receipt,
        received_at=at,
        blobs=tuple((digest_of(blob), blob) for blob in blobs),
    )


def digest_of(blob: bytes) -> str:
    return sha256(blob).hexdigest()


def observation(seq: int = 1, *, light: float = 90.5) -> Observation:
    measured = Measured(
        faces=(Face(x=1, y=2, width=3, height=4, score=0.75),),
        light_mean=light,
        dark=False,
        unavailable=("change: the first picture",),
        models=(Model(name="yunet", version="2023mar", sha256="b" * 64),),
    )
    return Observation(device="d_1", seq=seq, sha256="c" * 64, at=NOW, measured=measured)


def flag(id_: str = "person-count.d_1.3", *, ended_at: datetime = NOW) -> Flag:
    return Flag(
        id=id_,
        when="person-count",
        rule="more than 1 person for 2 seconds",
        flag_class=FlagClass.CONDUCT,
        severity=0.6,
        policy_sha256="a" * 64,
        section_id="part-a",
        started_at=NOW,
        ended_at=ended_at,
        measurement="faces",
        value=2.0,
        threshold=1.0,
        snapshots=(),
        snapshot_count=0,
        records=(),
        models=(),
        seen=("a word",),
        explanation="Two people were seen.",
    )


def reading(
    number: str = "X12", *, face: bytes = b"face", failed: tuple[str, ...] = ()
) -> IdReading:
    mrz = Mrz(
        format="TD3",
        code="P",
        issuer="UTO",
        number=number,
        nationality="UTO",
        birth=date(1990, 1, 2),
        sex="X",
        expiry=None,
        surname="LOVELACE",
        given="ADA",
        failed=failed,
        lines=("P<UTO", "X12"),
    )
    portrait = Face(x=1, y=2, width=3, height=4, score=0.75)
    check = MachineCheck(
        check=CheckKind.NAME, result="agrees", words="The names are the same.", value=0.5
    )
    return IdReading(
        document="d" * 64,
        face=digest_of(face),
        read=DocumentRead(
            lines=("UTOPIA",), mrz=mrz, portrait=portrait, unavailable=("x: y",), models=()
        ),
        checks=(check,),
    )


class StoreContract:
    @pytest.fixture
    async def store(self) -> Store:
        raise NotImplementedError

    # --- exams ---------------------------------------------------------------------------------

    async def test_an_exam_comes_back_as_it_was_published(self, store: Store) -> None:
        published = await store.publish(EXAM, POLICY)
        assert published.exam_sha256 == digest_of(EXAM)
        assert published.policy_sha256 == digest_of(POLICY)
        assert published.policy_body == POLICY
        assert await store.latest("short") == published
        digests = (published.exam_sha256, published.policy_sha256)
        assert await store.published(*digests) == published

    async def test_publishing_the_same_again_changes_nothing(self, store: Store) -> None:
        first = await store.publish(EXAM, POLICY)
        await created(store)
        assert await store.publish(EXAM, POLICY) == first
        assert list(await store.exams()) == [(first, 1)]

    async def test_an_exam_published_under_another_policy_is_that_from_now_on(
        self, store: Store
    ) -> None:
        first = await store.publish(EXAM, POLICY)
        second = await store.publish(EXAM, STRICTER)
        assert await store.latest("short") == second
        assert [each for each, _ in await store.exams()] == [second]
        # The sessions opened before keep what they were opened under.
        assert await store.published(first.exam_sha256, first.policy_sha256) == first

    async def test_an_exam_s_images_are_kept_by_digest(self, store: Store) -> None:
        images = {digest_of(b"one"): b"one", digest_of(b"two"): b"two"}
        await store.publish(EXAM, POLICY, images=images)
        await store.publish(EXAM, POLICY, images=images)
        assert await store.exam_image(digest_of(b"two")) == b"two"
        with pytest.raises(NotFound):
            await store.exam_image(digest_of(b"three"))

    async def test_what_was_never_published_is_not_found(self, store: Store) -> None:
        published: Published = await store.publish(EXAM, POLICY)
        with pytest.raises(NotFound):
            await store.latest("long")
        with pytest.raises(NotFound):
            await store.published(published.exam_sha256, "0" * 64)
        with pytest.raises(NotFound):
            await store.published("0" * 64, published.policy_sha256)

    # --- sessions ------------------------------------------------------------------------------

    async def test_a_session_comes_back_as_it_was_created(self, store: Store) -> None:
        case = await created(store)
        assert case.session == session()
        assert case.log == Frontier().extended([leaf_hash(b"opened")])
        assert await store.case("s_1") == case
        assert list(await store.server_lines("s_1")) == [b"opened"]

    async def test_a_session_that_was_never_created_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound) as refused:
            await store.case("s_1")
        assert refused.value.facts() == {"what": "session", "id": "s_1"}
        assert await store.server_lines("s_1") == []

    async def test_a_save_keeps_state_and_lines_together(self, store: Store) -> None:
        case = await created(store)
        entry = LedgerEntry(
            section="part-a", given=timedelta(seconds=1.5), cause=Cause.OUTAGE, at=NOW
        )
        changed = replace(case.session, state=State.CHECK_IN, ledger=(entry,), lost_at=NOW)
        saved = await store.save(case, changed, lines=[b"one", b"two"])
        assert saved == await store.case("s_1")
        assert saved.session == changed
        assert saved.log == Frontier().extended(map(leaf_hash, [b"opened", b"one", b"two"]))
        assert list(await store.server_lines("s_1")) == [b"opened", b"one", b"two"]

    async def test_a_save_decided_on_an_old_state_stores_nothing(self, store: Store) -> None:
        old = await created(store)
        saved = await store.save(old, replace(old.session, state=State.CHECK_IN))
        with pytest.raises(Conflict):
            await store.save(
                old,
                replace(old.session, state=State.TERMINATED),
                lines=[b"lost"],
                device=device(),
                flags=[flag()],
            )
        assert await store.case("s_1") == saved
        assert list(await store.server_lines("s_1")) == [b"opened"]
        assert await store.devices("s_1") == []
        assert await store.flags("s_1") == []

    async def test_of_saves_at_once_one_wins(self, store: Store) -> None:
        case = await created(store)
        saves = [
            store.save(case, replace(case.session, learner=f"n {n}"), lines=[b"%d" % n])
            for n in range(5)
        ]
        results = await asyncio.gather(*saves, return_exceptions=True)
        won = [each for each in results if isinstance(each, Case)]
        assert len(won) == 1
        assert sum(isinstance(each, Conflict) for each in results) == 4
        assert await store.case("s_1") == won[0]
        assert len(await store.server_lines("s_1")) == 2

    async def test_a_join_link_leads_to_its_session_alone(self, store: Store) -> None:
        await created(store)
        await created(store, "s_2")
        assert await store.invited("join s_2") == "s_2"
        with pytest.raises(NotFound):
            await store.invited("join s_3")

    async def test_sessions_are_listed_newest_first(self, store: Store) -> None:
        await created(store, "s_1", made_at=NOW)
        await created(store, "s_2", made_at=NOW + timedelta(seconds=1))
        other = session("s_3", exam="other")
        await store.create(other, join_sha256="join s_3", lines=[b"opened"])
        listed = [case.session.id for case in await store.cases(None)]
        assert [each.session.id for each in await store.cases(None, most=1)] == listed[:1]
        assert listed == ["s_2", "s_1", "s_3"]
        assert [case.session.id for case in await store.cases("short")] == ["s_2", "s_1"]
        for at, one in enumerate(await store.cases(None)):
            after = await store.cases(None, most=1, after=one)
            assert [each.session.id for each in after] == listed[at + 1 : at + 2]
        second = await store.case("s_2")
        assert [c.session.id for c in await store.cases("short", after=second)] == ["s_1"]
        assert list(await store.cases("none")) == []
        for some, of in (
            ({"short", "other"}, ["s_2", "s_1", "s_3"]),
            ({"other", "none"}, ["s_3"]),
            (set(), []),
        ):
            assert [case.session.id for case in await store.cases(frozenset(some))] == of

    async def test_the_rehearsals_of_a_session_are_its_own_newest_first(self, store: Store) -> None:
        await created(store)
        for place, (id_, of) in enumerate([("s_2", "s_1"), ("s_3", "s_0"), ("s_4", "s_1")]):
            made_at = NOW + timedelta(minutes=place)
            practice = session(id_, made_at=made_at, exam=PRACTICE_EXAM)
            practice = replace(practice, rehearsal_of=of)
            await store.create(practice, join_sha256=f"join {id_}", lines=[b"opened"])
        found = await store.rehearsals("s_1")
        assert [case.session.id for case in found] == ["s_4", "s_2"]
        assert list(found) == [await store.case("s_4"), await store.case("s_2")]
        assert list(await store.rehearsals("s_9")) == []

    async def test_a_session_that_is_forgotten_leaves_nothing(self, store: Store) -> None:
        case = await created(store)
        other = await created(store, "s_2")
        await store.save(case, case.session, lines=[b"1"], device=device(), flags=[flag()])
        await store.append(append(Frontier(), b"0", blobs=(b"picture",)))
        await store.observe("s_1", observation())
        await store.keep_reading("s_1", reading(), programme="mm", at=NOW)
        raised = Raised(why="same-face", session="s_1", other="s_2", value=0.5, at=NOW)
        await store.raise_same(raised)
        await store.forget("s_1")  # while it holds a picture it stays whole
        assert (await store.case("s_1")).session == case.session
        assert list(await store.held("s_1")) == [digest_of(b"picture")]

        await store.erase("s_1", [digest_of(b"picture")])
        await store.forget("s_1")
        await store.forget("s_1")

        assert await store.reading("s_1") is None
        assert list(await store.raised("s_1")) == []
        for gone in (store.case("s_1"), store.invited("join s_1")):
            with pytest.raises(NotFound):
                await gone
        assert await store.device_by_token("token") is None
        for nothing in (
            store.devices("s_1"),
            store.received("s_1", "d_1"),
            store.server_lines("s_1"),
            store.observations("s_1"),
            store.flags("s_1"),
        ):
            assert list(await nothing) == []
        assert [each.session.id for each in await store.cases(None)] == ["s_2"]
        assert await store.case("s_2") == other

    async def test_the_exam_of_a_session_is_told_alone(self, store: Store) -> None:
        case = await created(store)
        assert await store.exam_of("s_1") == case.session.exam
        with pytest.raises(NotFound):
            await store.exam_of("s_2")

    async def test_a_session_that_ended_is_not_unfinished(self, store: Store) -> None:
        case = await created(store)
        await created(store, "s_2")
        await store.save(case, replace(case.session, state=State.TERMINATED))
        assert list(await store.unfinished()) == ["s_2"]
        assert list(await store.unfinished(case.session.exam)) == ["s_2"]
        assert list(await store.unfinished("another")) == []

    # --- devices -------------------------------------------------------------------------------

    async def test_devices_come_first_admitted_first(self, store: Store) -> None:
        case = await created(store)
        case = await store.save(case, case.session, device=device("d_z", token="1"))
        await store.save(case, case.session, device=device("d_a", token="2"))
        assert [each.id for each in await store.devices("s_1")] == ["d_z", "d_a"]
        assert await store.devices("s_2") == []

    async def test_a_device_that_joins_again_has_only_its_new_token(self, store: Store) -> None:
        case = await created(store)
        case = await store.save(case, case.session, device=device(token="old"))
        await store.save(case, case.session, device=device(token="new"))
        assert await store.device_by_token("old") is None
        assert await store.device_by_token("new") == device(token="new")
        assert await store.devices("s_1") == [device(token="new")]

    # --- evidence ------------------------------------------------------------------------------

    async def test_a_log_that_has_not_begun_is_empty(self, store: Store) -> None:
        await created(store)
        log = await store.device_log("s_1", "d_1")
        assert (log.frontier, log.receipt) == (Frontier(), b"")
        assert await store.received("s_1", "d_1") == []
        assert await store.receipt_at("s_1", "d_1", 0) is None

    async def test_batches_come_back_whole_and_in_order(self, store: Store) -> None:
        await created(store)
        first = append(Frontier(), b"0", b"1", receipt=b"note 2")
        second = append(first.frontier, b"2", receipt=b"note 3", at=NOW + timedelta(seconds=1))
        await store.append(first)
        await store.append(second)
        received = await store.received("s_1", "d_1")
        assert [(each.first, each.lines) for each in received] == [(0, (b"0", b"1")), (2, (b"2",))]
        assert [each.received_at for each in received] == [NOW, NOW + timedelta(seconds=1)]
        log = await store.device_log("s_1", "d_1")
        assert (log.frontier, log.receipt) == (second.frontier, b"note 3")

    async def test_a_receipt_is_found_by_the_size_it_was_given_for(self, store: Store) -> None:
        await created(store)
        first = append(Frontier(), b"0", b"1", receipt=b"note 2")
        await store.append(first)
        await store.append(append(first.frontier, b"2", receipt=b"note 3"))
        found = [await store.receipt_at("s_1", "d_1", size) for size in range(5)]
        assert found == [None, None, b"note 2", b"note 3", None]
        assert await store.receipt_at("s_1", "d_2", 2) is None

    @pytest.mark.parametrize(
        "first",
        [pytest.param(0, id="again from the start"), pytest.param(2, id="after a hole")],
    )
    async def test_an_append_that_does_not_begin_at_the_end_stores_nothing(
        self, store: Store, first: int
    ) -> None:
        await created(store)
        await store.append(append(Frontier(), b"0"))
        before = Frontier().extended([leaf_hash(b"x")] * first)
        with pytest.raises(Conflict):
            await store.append(append(before, b"other", blobs=(b"picture",)))
        assert len(await store.received("s_1", "d_1")) == 1
        assert await store.held("s_1") == {}

    async def test_of_appends_at_once_one_wins(self, store: Store) -> None:
        await created(store)
        appends = [append(Frontier(), b"%d" % n, receipt=b"note %d" % n) for n in range(5)]
        results = await asyncio.gather(*map(store.append, appends), return_exceptions=True)
        assert sum(each is None for each in results) == 1
        assert sum(isinstance(each, Conflict) for each in results) == 4
        won = appends[results.index(None)]
        log = await store.device_log("s_1", "d_1")
        assert (log.frontier, log.receipt) == (won.frontier, won.receipt)

    async def test_blobs_come_back_by_digest(self, store: Store) -> None:
        await created(store)
        pictures = (b"one", b"two" * 50_000, b"")
        await store.append(append(Frontier(), b"0", blobs=pictures))
        sizes = {digest_of(each): len(each) for each in pictures}
        assert dict(await store.held("s_1")) == sizes
        for picture in pictures:
            assert await store.blob("s_1", digest_of(picture)) == picture
        listed = [each async for each in store.blobs("s_1")]
        assert listed == sorted((digest_of(each), each) for each in pictures)

    async def test_blobs_alone_leave_the_log_as_it_is(self, store: Store) -> None:
        await created(store)
        first = append(Frontier(), b"0", receipt=b"note 1")
        await store.append(first)
        await store.append(append(first.frontier, blobs=(b"late",), receipt=b""))
        assert await store.blob("s_1", digest_of(b"late")) == b"late"
        log = await store.device_log("s_1", "d_1")
        assert (log.frontier, log.receipt) == (first.frontier, b"note 1")

    async def test_a_blob_kept_twice_is_held_once(self, store: Store) -> None:
        await created(store)
        first = append(Frontier(), b"0", blobs=(b"same", b"same"))
        await store.append(first)
        await store.append(append(first.frontier, b"1", blobs=(b"same",)))
        assert [each async for each in store.blobs("s_1")] == [(digest_of(b"same"), b"same")]

    async def test_one_session_s_evidence_is_not_another_s(self, store: Store) -> None:
        await created(store)
        await created(store, "s_2")
        await store.append(append(Frontier(), b"0", blobs=(b"picture",)))
        assert await store.received("s_2", "d_1") == []
        assert await store.held("s_2") == {}
        assert [each async for each in store.blobs("s_2")] == []
        with pytest.raises(NotFound):
            await store.blob("s_2", digest_of(b"picture"))

    # --- where a receipt is mailed to ------------------------------------------------------------

    async def test_an_address_is_given_back_until_it_is_forgotten(self, store: Store) -> None:
        await created(store)
        made = await store.create(
            session("s_2"), join_sha256="join s_2", lines=[b"opened"], email="ada@example.edu"
        )
        await store.save(made, replace(made.session, state=State.CHECK_IN))
        assert (await store.email("s_1"), await store.email("s_2")) == ("", "ada@example.edu")
        assert list(await store.emails_kept()) == ["s_2"]
        await store.forget_email("s_2")
        assert (await store.email("s_2"), await store.emails_kept()) == ("", [])
        assert not await store.receipt_mailed("s_2")
        await store.forget_email("s_2", mailed=True)
        await store.forget_email("s_2")
        assert await store.receipt_mailed("s_2")
        assert not await store.receipt_mailed("s_1")
        with pytest.raises(NotFound):
            await store.email("s_3")
        await store.forget_email("s_3", mailed=True)
        assert not await store.receipt_mailed("s_3")

    # --- what was seen, and what was flagged -----------------------------------------------------

    async def test_an_observation_comes_back_as_it_was_made(self, store: Store) -> None:
        await created(store)
        await store.observe("s_1", observation(2))
        await store.observe("s_1", observation(1))
        assert list(await store.observations("s_1")) == [observation(1), observation(2)]
        assert list(await store.observations("s_2")) == []

    async def test_a_snapshot_observed_again_has_one_observation(self, store: Store) -> None:
        await created(store)
        await store.observe("s_1", observation(light=90))
        await store.observe("s_1", observation(light=10))
        assert list(await store.observations("s_1")) == [observation(light=10)]

    async def test_a_flag_that_grew_keeps_its_place(self, store: Store) -> None:
        case = await created(store)
        grown = flag("z", ended_at=NOW + timedelta(seconds=9))
        case = await store.save(case, case.session, flags=[flag("z"), flag("a")])
        await store.save(case, case.session, flags=[grown])
        assert list(await store.flags("s_1")) == [grown, flag("a")]
        assert list(await store.flags("s_2")) == []

    async def test_many_sessions_are_asked_after_at_once(self, store: Store) -> None:
        case = await created(store)
        await store.save(case, case.session, flags=[flag("z"), flag("a")])
        await store.observe("s_1", observation())
        many = [f"s_{number}" for number in range(2500)]
        flags, seen = await store.flags_of(many), await store.observed_of(many)
        assert list(flags) == list(seen) == many
        assert list(flags["s_1"]) == [flag("z"), flag("a")]
        assert (seen["s_1"], sum(seen.values()), sum(map(len, flags.values()))) == (1, 1, 2)
        assert (await store.flags_of([]), await store.observed_of([])) == ({}, {})

    # --- what was read at check-in ---------------------------------------------------------------

    async def shown(
        self,
        store: Store,
        id_: str,
        *,
        learner: str,
        number: str = "X12",
        programme: str = "mm",
        minutes: int = 0,
        failed: tuple[str, ...] = (),
        account: str = "",
    ) -> ShownFace:
        """Let a learner check in with a document and a face of their own."""
        made = replace(session(id_), learner=learner, account=account)
        await store.create(made, join_sha256=f"join {id_}", lines=[b"opened"])
        face = b"face of " + id_.encode()
        await store.append(append(Frontier(), b"0", blobs=(face, b"more"), of=id_))
        read = reading(number, face=face, failed=failed)
        at = NOW + timedelta(minutes=minutes)
        await store.keep_reading(id_, read, programme=programme, at=at)
        return ShownFace(session=id_, learner=learner, sha256=digest_of(face), account=account)

    async def test_a_reading_comes_back_as_it_was_kept_until_it_is_forgotten(
        self, store: Store
    ) -> None:
        await created(store)
        assert await store.reading("s_1") is None
        await store.keep_reading("s_1", reading("A1"), programme="mm", at=NOW)
        await store.keep_reading("s_1", reading("B2"), programme="mm", at=NOW)
        assert await store.reading("s_1") == reading("B2")
        assert await store.reading("s_2") is None
        for _ in range(2):
            await store.forget_reading("s_1")
            assert await store.reading("s_1") is None

    async def test_a_reading_goes_with_the_session_s_key_and_none_is_kept_without(
        self, store: Store
    ) -> None:
        ada = await self.shown(store, "s_1", learner="Ada")
        await self.shown(store, "s_2", learner="Bob")
        await store.raise_same(
            Raised(why="same-face", session="s_1", other="s_2", value=0.5, at=NOW)
        )
        await store.erase("s_1", [ada.sha256, digest_of(b"more")])
        assert await store.reading("s_1") is None
        assert list(await store.raised("s_1")) == []
        assert list(await store.same_document("s_2")) == []
        with pytest.raises(NotFound):
            await store.keep_reading("s_1", reading(), programme="mm", at=NOW)

    async def test_a_document_is_found_again_in_its_programme_alone(self, store: Store) -> None:
        await self.shown(store, "s_1", learner="Ada")
        await self.shown(store, "s_2", learner="Bob")
        await self.shown(store, "s_3", learner="Cyd", programme="other")
        await self.shown(store, "s_4", learner="Dan", number="Y34")
        await self.shown(store, "s_5", learner="Eve", failed=("number",))
        await self.shown(store, "s_6", learner="Fay", failed=("composite",))
        await self.shown(store, "s_8", learner="Gil", failed=("expiry",))
        assert list(await store.same_document("s_1")) == ["s_2", "s_6"]
        for alone in ("s_3", "s_4", "s_5", "s_7", "s_8"):
            assert list(await store.same_document(alone)) == []
        await store.forget_reading("s_2")
        assert list(await store.same_document("s_1")) == ["s_6"]
        assert list(await store.same_document("s_2")) == []

    async def test_a_reading_may_be_kept_with_what_others_find_left_as_it_was(
        self, store: Store
    ) -> None:
        ada = await self.shown(store, "s_1", learner="Ada", number="A1")
        await self.shown(store, "s_2", learner="Bob", number="A1")
        await self.shown(store, "s_3", learner="Cyd", number="B2")
        new = reading("B2", face=b"more")
        for as_before, mine, found in ((True, "s_3", ["s_1"]), (False, "s_3", [])):
            await store.keep_reading("s_1", new, programme="mm", at=NOW, found_as_before=as_before)
            assert await store.reading("s_1") == new
            assert list(await store.same_document("s_1")) == [mine]
            assert list(await store.same_document("s_2")) == found
            assert (ada in await store.faces("s_2", most=9)) is as_before
        assert list(await store.same_document("s_3")) == ["s_1"]
        # The first is found as it is.
        await created(store, "s_4")
        await store.keep_reading("s_4", new, programme="mm", at=NOW, found_as_before=True)
        assert list(await store.same_document("s_3")) == ["s_1", "s_4"]

    async def test_accounts_are_told_apart_by_what_they_are_where_both_say_so(
        self, store: Store
    ) -> None:
        ada = await self.shown(store, "s_1", learner="Ada", account="1", minutes=1)
        too = await self.shown(store, "s_2", learner="Ada", account="2", minutes=2)
        longer = await self.shown(store, "s_3", learner="Ada L.", account="2", minutes=1)
        name = await self.shown(store, "s_4", learner="Ada", minutes=4)
        bob = await self.shown(store, "s_5", learner="Bob", minutes=5)
        assert list(await store.faces("s_1", most=9)) == [bob, too]
        assert list(await store.faces("s_2", most=9)) == [bob, ada]
        assert list(await store.faces("s_3", most=9)) == [bob, name, ada]
        assert list(await store.faces("s_4", most=9)) == [bob, longer]
        assert list(await store.faces("s_5", most=9)) == [name, too, ada]

    async def test_faces_are_the_newest_of_other_learners_while_they_are_held(
        self, store: Store
    ) -> None:
        await self.shown(store, "s_1", learner="Ada", minutes=9)
        await self.shown(store, "s_2", learner="Ada", minutes=1)
        bob = await self.shown(store, "s_3", learner="Bob", minutes=3)
        await self.shown(store, "s_4", learner="Bob", minutes=2)
        cyd = await self.shown(store, "s_5", learner="Cyd", minutes=4)
        await self.shown(store, "s_6", learner="Dan", programme="other")
        eve = await self.shown(store, "s_7", learner="Eve", minutes=5)
        assert list(await store.faces("s_1", most=9)) == [eve, cyd, bob]
        assert list(await store.faces("s_1", most=2)) == [eve, cyd]
        assert list(await store.faces("s_8", most=9)) == []
        # The face stays comparable when the document's term is over; not when its picture goes.
        await store.forget_reading("s_5")
        await store.erase("s_7", [eve.sha256])
        assert list(await store.faces("s_1", most=9)) == [cyd, bob]

    async def test_what_is_raised_stands_on_both_sessions_once(self, store: Store) -> None:
        face = Raised(why="same-face", session="s_1", other="s_2", value=0.5, at=NOW)
        document = Raised(why="same-document", session="s_2", other="s_1", value=None, at=NOW)
        later = replace(face, other="s_0", at=NOW + timedelta(seconds=1))
        for each in (face, replace(face, value=0.6), document, later):
            await store.raise_same(each)
        assert list(await store.raised("s_1")) == [
            replace(document, session="s_1", other="s_2"),
            face,
            later,
        ]
        assert list(await store.raised("s_2")) == [
            document,
            replace(face, session="s_2", other="s_1"),
        ]
        assert list(await store.raised("s_3")) == []

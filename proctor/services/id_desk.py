"""The desk at which people decide on ID checks: who waits, and what there is to go by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from proctor.domain.assurance import assurance
from proctor.domain.id_checks import IdReading, MachineCheck, asked_for, concerns
from proctor.domain.identity import (
    AGAIN_WORDS,
    Checked,
    CheckKind,
    IdCheck,
    IdEvent,
    IdState,
    learner_reads,
    may_take_back,
)
from proctor.domain.identity import MOVES as ID_MOVES
from proctor.domain.mrz import Mrz
from proctor.domain.observation import cause_words
from proctor.domain.session import ENDED, ExamSession, State, held_since
from proctor.services.cases import Cases
from proctor.services.id_pictures import PictureRef, shown
from proctor.services.id_waits import IdWaits, waits_for_person_since
from proctor.services.journal import erased, milliseconds
from proctor.services.own_exams import OwnExams, is_among
from proctor.services.ports import NotFound, Published, Raised, Store

_ACCOUNTS = frozenset({CheckKind.ONE_DOCUMENT, CheckKind.ONE_FACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRow:
    """An ID check that waits for a person."""

    session: str
    exam: str
    exam_title: str
    learner: str
    state: str
    since_ms: int
    hold: bool  # the learner can't begin before the decision
    concerns: tuple[str, ...]  # plain words: "the name differs"
    raised: int  # other accounts on which the document or face was shown
    proposed_by: str | None  # who proposes to refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class IdQueue:
    now_ms: int  # the server's clock
    waiting: tuple[IdRow, ...]
    waited_s_median: float | None  # of those of the same exams decided in the last 24 hours
    waited_s_longest: float | None  # of those that wait now


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """A part of a picture, in its pixels, origin top left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MrzView:
    format: str
    code: str
    issuer: str
    number: str
    nationality: str
    birth: str | None  # ISO 8601; None too where its century is open
    births: tuple[str, ...]  # each day that it may be
    expiry: str | None
    sex: str
    surname: str
    given: str
    valid: bool
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingView:
    state: str  # "waiting", "read", "unavailable" or "erased"
    unavailable: tuple[str, ...]
    lines: tuple[str, ...]
    mrz: MrzView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdModelView:
    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    check: str
    by: str
    result: str
    words: str
    value: float | None
    threshold: float | None
    models: tuple[IdModelView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedView:
    why: str  # "same-document" or "same-face"
    session: str  # "elsewhere-1" and so on where the exam is none of the reader's own
    exam: str  # empty where the session is erased
    learner: str  # empty there too, and where the exam is none of the reader's own
    yours: bool  # the exam is one of the reader's own
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    by: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainView:
    code: str
    words: str  # what the learner reads


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBefore:
    """What was shown before new pictures were: the last that was accepted, or else the last."""

    face: PictureRef | None
    document: PictureRef | None
    state: str  # what had been decided on them
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdDesk:
    """All there is to decide one ID check by."""

    now_ms: int  # the server's clock
    session: str
    exam: str
    exam_title: str
    learner: str
    state: str
    by: str
    reason: str
    held_since_ms: int | None
    asked_for: str
    face: PictureRef | None
    document: PictureRef | None
    before: ShownBefore | None  # None: no new pictures were asked for
    portrait: PlaceView | None
    reading: ReadingView | None  # None where no document was asked for
    checks: tuple[CheckView, ...]
    raised: tuple[RaisedView, ...]
    proposed: ProposalView | None
    may_confirm: bool
    may_ask_again: bool  # the learner can still show something
    may_take_back: bool  # that new pictures were asked for: nothing else would stand in their place
    reasons: tuple[AgainView, ...]
    assurance: tuple[str, ...]


class IdDesks:
    def __init__(self, store: Store, cases: Cases, waits: IdWaits) -> None:
        self._store = store
        self._cases = cases
        self._waits = waits

    async def queue(self, exam_id: str | None, *, own: OwnExams = None) -> IdQueue:
        """Return the ID checks that wait for a person, with how long people wait.

        They are of one exam, or of all of the reader's `own`. First come those of which a document
        or face is on another account, then whose learners can't begin; each group in the order
        they came.
        """
        if exam_id is not None:
            own = frozenset({exam_id} if is_among(exam_id, own) else ())
        rows: list[tuple[bool, bool, int, IdRow]] = []
        for session_id in self._waits.waiting(own):
            try:
                row = await self._row((await self._cases.get(session_id)).session)
            except NotFound:
                continue
            rows.append((row.raised == 0, not row.hold, row.since_ms, row))
        return IdQueue(
            now_ms=milliseconds(self._cases.now()),
            waiting=tuple(row for *_, row in sorted(rows, key=lambda each: each[:3])),
            waited_s_median=_seconds(self._waits.median(own)),
            waited_s_longest=_seconds(self._waits.longest(own)),
        )

    async def desk(self, session_id: str, *, me: str, own: OwnExams = None) -> IdDesk:
        """Return all there is to decide one ID check by, for the person `me`.

        That a document or face is on another account too is told whatever exam that is in, for
        somebody of that exam to be asked; whose account and session it is, where the exam is one of
        their `own`.

        Raises:
            NotFound: There is no such session.
        """
        session = (await self._cases.settled(session_id)).session
        published = await self._cases.published(session)
        check = session.id_check
        pictures = await shown(self._store, session)
        reading = await self._store.reading(session_id)
        if reading is not None and not _is_of(reading, pictures.face, pictures.document):
            reading = None  # of pictures shown before these
        found = await self._store.raised(session_id)
        others = list(dict.fromkeys(each.other for each in found))
        raised = [await self._raised(each, others.index(each.other), own) for each in found]
        portrait = reading.read.portrait if reading and reading.read else None
        held, proposed = held_since(session), _proposal(check)
        return IdDesk(
            now_ms=milliseconds(self._cases.now()),
            session=session.id,
            exam=session.exam,
            exam_title=published.exam.title,
            learner=session.learner,
            state=str(check.state),
            by=check.by,
            reason=learner_reads(check),
            held_since_ms=None if held is None else milliseconds(held),
            asked_for=asked_for(published.policy.identity),
            face=pictures.face,
            document=pictures.document,
            before=await self._before(session),
            portrait=None
            if portrait is None
            else PlaceView(
                x=portrait.x, y=portrait.y, width=portrait.width, height=portrait.height
            ),
            reading=await self._reading(session, published, reading, pictures.document),
            checks=_checks(check, reading),
            raised=tuple(raised),
            proposed=proposed,
            may_confirm=proposed is not None and proposed.by != me,
            may_ask_again=session.state not in ENDED and IdEvent.ASK_AGAIN in ID_MOVES[check.state],
            may_take_back=may_take_back(check),
            reasons=tuple(
                AgainView(code=str(code), words=words) for code, words in AGAIN_WORDS.items()
            ),
            assurance=assurance(check),
        )

    async def _row(self, session: ExamSession) -> IdRow:
        check = session.id_check
        published = await self._cases.published(session)
        # New pictures have no checks yet, and the doubt of those before stays.
        doubted = check.doubted_at is not None or any(
            each.check in _ACCOUNTS and each.result == "differs" for each in check.checks
        )
        raised: Sequence[Raised] = await self._store.raised(session.id) if doubted else ()
        since = waits_for_person_since(session) or session.made_at
        return IdRow(
            session=session.id,
            exam=session.exam,
            exam_title=published.exam.title,
            learner=session.learner,
            state=str(check.state),
            since_ms=milliseconds(since),
            hold=session.state is State.CHECK_IN,
            concerns=tuple(concerns(check.checks)),
            raised=len({each.other for each in raised}),
            proposed_by=proposal.by if (proposal := _proposal(check)) else None,
        )

    async def _before(self, session: ExamSession) -> ShownBefore | None:
        check = session.id_check.before
        now = session.id_check
        if check is None or now.taken_back or now.captured_at == check.captured_at:
            return None  # while they are only asked for, those before are what is shown
        if now.captured_at is None and now.state is IdState.RETAKE:
            return None  # the same, where nothing had been captured
        pictures = await shown(self._store, replace(session, id_check=check))
        return ShownBefore(
            face=pictures.face,
            document=pictures.document,
            state=str(check.state),
            by=check.by,
        )

    async def _reading(
        self,
        session: ExamSession,
        published: Published,
        reading: IdReading | None,
        document: PictureRef | None,
    ) -> ReadingView | None:
        if published.policy.identity.document == "none":
            return None
        if reading is not None and reading.read is not None:
            read = reading.read
            nothing = not read.lines and read.mrz is None and read.unavailable
            return ReadingView(
                state="unavailable" if nothing else "read",
                unavailable=tuple(cause_words(each) for each in read.unavailable),
                lines=read.lines,
                mrz=None if read.mrz is None else _mrz(read.mrz),
            )
        gone = document is not None and (
            document.sha256 in erased(await self._store.server_lines(session.id))
        )
        state = "erased" if gone else "waiting"
        return ReadingView(state=state, unavailable=(), lines=(), mrz=None)

    async def _raised(self, raised: Raised, place: int, own: OwnExams) -> RaisedView:
        exam = learner = ""
        try:
            other = (await self._cases.get(raised.other)).session
        except NotFound:
            yours = True  # erased: nothing is kept from anybody
        else:
            exam, yours = other.exam, is_among(other.exam, own)
            learner = other.learner if yours else ""
        return RaisedView(
            why=raised.why,
            session=raised.other if yours else f"elsewhere-{place + 1}",
            exam=exam,
            learner=learner,
            yours=yours,
            value=raised.value,
        )


def _is_of(reading: IdReading, face: PictureRef | None, document: PictureRef | None) -> bool:
    named = {each.sha256 for each in (face, document) if each}
    return {each for each in (reading.face, reading.document) if each} <= named


def _checks(check: IdCheck, reading: IdReading | None) -> tuple[CheckView, ...]:
    """Return the machine's checks; without the reading, that they were made and no more."""
    made: Sequence[MachineCheck] = reading.checks if reading is not None else ()
    if not made:
        made = [_bare(each) for each in check.checks if each.check not in _ACCOUNTS]
    return tuple(
        CheckView(
            check=str(each.check),
            by="machine",
            result=each.result,
            words=each.words,
            value=each.value,
            threshold=each.threshold,
            models=tuple(
                IdModelView(name=model.name, version=model.version, sha256=model.sha256)
                for model in each.models
            ),
        )
        for each in made
    )


def _bare(checked: Checked) -> MachineCheck:
    words = "What was read has been erased."
    return MachineCheck(check=checked.check, result=checked.result, words=words)


def _proposal(check: IdCheck) -> ProposalView | None:
    if check.proposed is None or check.state is not IdState.REFUSAL_PROPOSED:
        return None
    return ProposalView(
        by=check.proposed.by,
        reason=check.proposed.reason,
        at_ms=milliseconds(check.proposed.at),
    )


def _mrz(mrz: Mrz) -> MrzView:
    return MrzView(
        format=mrz.format,
        code=mrz.code,
        issuer=mrz.issuer,
        number=mrz.number,
        nationality=mrz.nationality,
        birth=None if mrz.birth is None else mrz.birth.isoformat(),
        births=tuple(day.isoformat() for day in mrz.births),
        expiry=None if mrz.expiry is None else mrz.expiry.isoformat(),
        sex=mrz.sex,
        surname=mrz.surname,
        given=mrz.given,
        valid=mrz.valid,
        failed=mrz.failed,
    )


def _seconds(wait: timedelta | None) -> float | None:
    return None if wait is None else round(max(0.0, wait.total_seconds()), 3)

"""What machines make of a check-in, off the request path: hints for the person who decides.

The truth is in the rows: a check-in that is captured and lacks its checks is read. What waits is in
memory alone and found again at the next start. Nothing here accepts or refuses anybody.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from proctor.domain.document import DocumentRead
from proctor.domain.id_checks import (
    IdReading,
    MachineCheck,
    document_checks,
    face_check,
    faces_check,
)
from proctor.domain.identity import (
    UNDECIDED,
    Checked,
    CheckKind,
    CheckResult,
    IdState,
    is_compared,
    searched,
    with_checks,
)
from proctor.domain.policy import IdentityRules
from proctor.domain.session import ENDED, ExamSession
from proctor.services.cases import Cases, pages_of
from proctor.services.id_pictures import Shown, shown
from proctor.services.one_account import OneAccount
from proctor.services.ports import DocumentReader, NotFound, StorageFull, Store, Vision

logger = logging.getLogger(__name__)

# Check-ins that wait to be read: all learners of the largest exam. More are found again later.
MAX_CHECK_INS_WAITING = 10_000
# What failed, or waits for a picture that is still on its way, is tried again after this.
AGAIN_AFTER_S = 30.0
# Of what has ended, in these a person has yet to decide; what was asked for never comes any more.
_TO_DECIDE = UNDECIDED | {IdState.RETAKE}
NO_READER = DocumentRead(unavailable=("text: this server reads no documents",))


class Readings:
    """Reads check-ins one by one, and then looks for them on other accounts."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        vision: Vision,
        reader: DocumentReader | None,
        accounts: OneAccount,
        *,
        same_person: float,
    ) -> None:
        """Take the parts.

        Args:
            store: Of sessions and pictures.
            cases: The sessions in use.
            vision: Compares faces.
            reader: Reads documents; None: this server reads none, and says so.
            accounts: Looks for what was shown on other accounts.
            same_person: The cosine from which two faces look alike, -1 to 1.
        """
        self._store = store
        self._cases = cases
        self._vision = vision
        self._reader = reader
        self._accounts = accounts
        self._same_person = same_person
        self._waiting: dict[str, None] = {}  # in order, each once
        self._again: set[str] = set()
        self._missed = False
        self._came = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many check-ins are not read yet."""
        return len(self._waiting) + len(self._again)

    def add(self, session_id: str) -> None:
        """Read a check-in that was captured. It does not wait."""
        if len(self._waiting) >= MAX_CHECK_INS_WAITING:
            self._missed = True  # it is in the rows
        else:
            self._waiting[session_id] = None
            self._came.set()

    async def run(self) -> None:
        """Work until cancelled, beginning with what was not read when the server stopped."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._find())
            group.create_task(self._read_all())
            group.create_task(self._retry())
            group.create_task(self._accounts.run())

    async def _find(self) -> None:
        """Find what is not read in the rows; where they can't be read, `_retry` does it again."""
        self._missed = False
        try:
            await self._hash_anew()
            async for page in pages_of(self._store, None):
                for session in [case.session for case in page]:
                    if _is_unread(session) and (
                        session.state not in ENDED or session.id_check.state in _TO_DECIDE
                    ):
                        self.add(session.id)
        except Exception as no:  # noqa: BLE001 - what is added already is read meanwhile
            logger.warning("check-ins not found", extra={"why": type(no).__name__})
            self._missed = True

    async def _hash_anew(self) -> None:
        """Compare documents once more whose hashes an earlier version made: none of now equals one.

        One after the other, so that of two that match the later finds the earlier.

        Raises:
            StorageFull: Not all are compared: the others are found again.
        """
        sessions = await self._store.documents_of_before()
        failed = 0
        for session_id in sessions:
            try:
                await self._keep_anew(session_id)
            except StorageFull:
                raise
            except Exception as no:  # noqa: BLE001 - one fails alone, and is tried at the next start
                failed += 1
                facts = {"session": session_id, "why": type(no).__name__}
                logger.warning("document not compared anew", extra=facts)
        if sessions:
            counts = {"documents": len(sessions), "failed": failed}
            logger.info("documents compared anew", extra=counts)

    async def _keep_anew(self, session_id: str) -> None:
        session = (await self._cases.get(session_id)).session
        reading = await self._store.reading(session_id)
        captured_at = session.id_check.captured_at
        if reading is None or captured_at is None:
            return  # erased, or never to be compared
        programme = (await self._cases.published(session)).exam.programme
        await self._store.keep_reading(
            session_id,
            reading,
            programme=programme,
            at=captured_at,
            found_as_before=_is_found_as_before(session),
        )
        if not _is_unread(session) and reading.document:  # else it is noted when it is read
            await self._note(session_id, captured_at, [await self._once(session, reading)])

    async def _once(self, session: ExamSession, reading: IdReading) -> Checked:
        """Raise where else a document was shown, and return what the check of it found."""
        same = await self._accounts.document(session)
        number = reading.read.mrz if reading.read else None
        known = number is not None and number.document != ""
        once: CheckResult = "differs" if same else "agrees" if known else "unavailable"
        return Checked(check=CheckKind.ONE_DOCUMENT, result=once)

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_AFTER_S)
            again, self._again = self._again, set()
            for session_id in again:
                self.add(session_id)
            if self._missed and not self._waiting:
                await self._find()

    async def _read_all(self) -> None:
        while True:
            await self._came.wait()
            while self._waiting:
                session_id = next(iter(self._waiting))
                del self._waiting[session_id]
                try:
                    if not await self.read(session_id):
                        self._again.add(session_id)
                except NotFound:
                    pass  # erased since: there is nothing to read
                except Exception as no:  # noqa: BLE001 - one fails alone, and is tried again
                    # Its name and no traceback: that could quote what a document says.
                    facts = {"session": session_id, "why": type(no).__name__}
                    logger.warning("check-in not read", extra=facts)
                    self._again.add(session_id)
            self._came.clear()

    async def read(self, session_id: str) -> bool:
        """Read a check-in and note what was found; False where a picture has yet to arrive.

        Raises:
            NotFound: It was erased meanwhile.
            StorageFull: Nothing can be stored.
        """
        session = (await self._cases.get(session_id)).session
        if not _is_unread(session):
            return True
        captured_at = session.id_check.captured_at
        assert captured_at is not None
        published = await self._cases.published(session)
        rules = published.policy.identity
        pictures = await shown(self._store, session)
        if rules.document == "none":
            pictures = replace(pictures, document=None)
        if rules.face == "none":
            # The learner has not read that it is compared with anything: not by us, then.
            pictures = replace(pictures, face=None)
        held = await self._store.held(session_id)
        named = [each.sha256 for each in (pictures.face, pictures.document) if each]
        if not all(digest in held for digest in named):
            return session.state in ENDED  # erased, or never to come
        reading = await self._store.reading(session_id)
        if reading is None or (reading.face, reading.document) != (
            pictures.face.sha256 if pictures.face else "",
            pictures.document.sha256 if pictures.document else "",
        ):
            on = _day(session, self._cases.now())
            reading = await self._made(session, pictures, rules, on=on)
        # Also where it was read before: since then it may have been accepted, and so be found.
        await self._store.keep_reading(
            session_id,
            reading,
            programme=published.exam.programme,
            at=captured_at,
            found_as_before=_is_found_as_before(session),
        )
        made = [each.outcome for each in reading.checks]
        if reading.document:
            made.append(await self._once(session, reading))
        if made:
            await self._note(session_id, captured_at, made)
        self._accounts.add(session_id)
        logger.info("check-in read", extra={"session": session_id})
        return True

    async def _made(
        self, session: ExamSession, pictures: Shown, rules: IdentityRules, *, on: date
    ) -> IdReading:
        face, document = pictures.face, pictures.document
        live = await self._store.blob(session.id, face.sha256) if face else b""
        checks: list[MachineCheck] = []
        if rules.face == "assist":
            # A stream of its own: the camera's pictures are compared with those before.
            stream = f"{session.id}/check-in"
            checks.append(faces_check(await self._vision.observe(stream, live) if live else None))
        if document is None:
            digest = face.sha256 if face else ""
            return IdReading(document="", face=digest, read=None, checks=tuple(checks))
        picture = await self._store.blob(session.id, document.sha256)
        read = await self._reader.read(picture) if self._reader else NO_READER
        checks += document_checks(read, rules, account=session.learner, on=on)
        if rules.face == "assist":
            compared = None
            if live and read.portrait is not None:
                compared = await self._vision.compare(live, picture, at=read.portrait)
            checks.append(face_check(compared, alike_from=self._same_person))
        return IdReading(
            document=document.sha256,
            face=face.sha256 if face else "",
            read=read,
            checks=tuple(checks),
        )

    async def _note(self, session_id: str, captured_at: datetime, made: Sequence[Checked]) -> None:
        def note(session: ExamSession, _now: datetime) -> ExamSession:
            # Shown anew meanwhile: these are checks of other pictures.
            if session.id_check.captured_at != captured_at or not _is_shown(session):
                return session
            return replace(session, id_check=with_checks(session.id_check, made))

        await self._cases.change(session_id, note, by="machine")


def _is_shown(session: ExamSession) -> bool:
    # While new pictures are only asked for, those before may yet be accepted.
    return session.id_check.state is not IdState.AWAITED


def _is_unread(session: ExamSession) -> bool:
    """Tell whether a check-in was captured and some check of it is not made yet."""
    unmade = not is_compared(session.id_check)
    return unmade and _is_shown(session) and not session.rehearsal_of


def _is_found_as_before(session: ExamSession) -> bool:
    return searched(session.id_check).captured_at != session.id_check.captured_at


def _day(session: ExamSession, now: datetime) -> date:
    return (session.starts_at or now).date()

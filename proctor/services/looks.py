"""Looks: a picture or document is shown to who may see it, and that is written down first."""

from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.review import known_until, knows
from proctor.domain.session import ENDED
from proctor.services.cases import Cases
from proctor.services.journal import milliseconds
from proctor.services.look_book import LookBook, LookView, What, Why
from proctor.services.look_tickets import (
    Kind,
    LookAtRehearsal,
    LookElsewhere,
    LookNotYours,
    Ticket,
    opened,
    sealed,
    ticket,
)
from proctor.services.ports import Case, NotFound, Store
from proctor.services.strips import Strips

# That somebody looked for one of these is half of what they may not tell each other.
_FOR_A_VERDICT = frozenset({Why.REVIEW, Why.CONTEST})


class Looks:
    def __init__(
        self, store: Store, cases: Cases, book: LookBook, strips: Strips, *, key: bytes
    ) -> None:
        """Take the parts; tickets are signed under `key`, which signs nothing else."""
        self._store = store
        self._cases = cases
        self._book = book
        self._strips = strips
        self._key = key

    async def at_session(self, session_id: str, *, by: str, why: Why) -> tuple[str, int]:
        """Return a ticket for the pictures of a session, and until when it is good, ms.

        Raises:
            LookAtRehearsal: It is one; that somebody asked is written down.
            NotFound: There is no such session.
            StorageFull: It can't be written down now.
        """
        await self._require_counts(session_id, by=by, what=What.PICTURES, why=why)
        return self._sealed("session", session_id, by, why)

    async def at_exam(self, exam_id: str, *, by: str) -> tuple[str, int]:
        """Return a ticket for the live stills of an exam, and until when it is good, ms.

        Raises:
            LookAtRehearsal: It is the exam of all rehearsals.
            NotFound: There is no such exam.
        """
        if exam_id == PRACTICE_EXAM:
            raise LookAtRehearsal
        await self._store.latest(exam_id)
        return self._sealed("exam", exam_id, by, Why.WATCHING)

    async def picture(self, shown: str, session_id: str, sha256: str, *, by: str) -> bytes:
        """Return a blob of a session, after the look at it was written down.

        Args:
            shown: The ticket.
            session_id: Whose blob.
            sha256: Which.
            by: Who is signed in.

        Raises:
            NotFound: No such ticket, session or blob, or it was erased.
            LookNotYours, LookExpired, LookElsewhere: The ticket is not for this.
            StorageFull: It can't be written down now.
        """
        case = await self._cases.get(session_id)
        try:
            may = self._opened(shown, session_id, by=by, live=True)
        except (LookNotYours, LookElsewhere):
            what = await self._strips.what(session_id, sha256)
            await self._refused(session_id, what, by=by)
            raise
        if may.kind == "exam":
            what = await self._live(case, may, sha256)
        else:
            what = await self._strips.what(session_id, sha256)
        blob = await self._store.blob(session_id, sha256)
        await self._book.note(session_id, by=by, what=what, why=may.why)
        return blob

    async def sheet(self, shown: str, session_id: str, number: int, *, by: str) -> bytes:
        """Return a sheet of thumbnails (`Strips.sheet`), after that was written down.

        Raises:
            Refusal: As `picture`.
        """
        await self._cases.get(session_id)
        try:
            may = self._opened(shown, session_id, by=by)
        except (LookNotYours, LookElsewhere):
            await self._refused(session_id, What.THUMBNAILS, by=by)
            raise
        jpeg = await self._strips.sheet(session_id, number)
        await self._book.note(session_id, by=by, what=What.THUMBNAILS, why=may.why)
        return jpeg

    async def handed_in(self, session_id: str, sha256: str, *, by: str) -> bytes:
        """Return a file that is somebody's answer, for who marks it, after that was written down.

        Raises:
            LookAtRehearsal: It is one, and nothing of it is shown.
            NotFound: The session has no such file; a picture of its learner is none.
            StorageFull: It can't be written down now.
        """
        if await self._strips.what(session_id, sha256) is not What.FILE:
            raise NotFound(what="file", id=sha256)
        await self._require_counts(session_id, by=by, what=What.FILE, why=Why.MARKING)
        file = await self._store.blob(session_id, sha256)
        await self._book.note(session_id, by=by, what=What.FILE, why=Why.MARKING)
        return file

    async def note(self, session_id: str, *, by: str, what: What, why: Why) -> None:
        """Write down a look at what is shown without a ticket, before it is.

        Raises:
            LookAtRehearsal: It is one, and nothing of it is shown.
            StorageFull: It can't be written down now: show nothing.
        """
        await self._require_counts(session_id, by=by, what=what, why=why)
        await self._book.note(session_id, by=by, what=what, why=why)

    async def refused(self, session_id: str, *, by: str, what: What, why: Why = Why.NONE) -> None:
        """Write down that somebody asked who may not look; nothing for no session."""
        try:
            await self._cases.get(session_id)
        except NotFound:
            return
        await self._refused(session_id, what, by=by, why=why)

    async def refused_exam(self, exam_id: str, *, by: str) -> None:
        """Write down that somebody asked for the live stills of an exam who may not see them.

        Nothing for no exam.
        """
        try:
            await self._store.latest(exam_id)
        except NotFound:
            return
        await self._book.note(
            _whole(exam_id), by=by, what=What.LIVE_STILLS, why=Why.WATCHING, allowed=False
        )

    async def of(self, session_id: str, *, reviewer: str | None = None) -> list[LookView]:
        """Return who looked at a session, oldest first; or asked for its exam, and was refused.

        Args:
            session_id: Which.
            reviewer: Who may have to decide on it still: until they have, nothing tells them that
                others looked at it for a review; of a contested decision, since it was contested.
                None: somebody who does not decide.

        Raises:
            NotFound: There is no such session.
        """
        session = (await self._cases.get(session_id)).session
        review, begun_ms = session.review, milliseconds(session.made_at)
        over_ms = None if session.closed_at is None else milliseconds(session.closed_at)
        asked = [
            each
            for each in await self._book.of(_whole(session.exam))
            if begun_ms <= each.until_ms and (over_ms is None or each.at_ms < over_ms)
        ]
        looked = await self._book.of(session_id)
        if asked:
            looked = sorted((*looked, *asked), key=lambda each: each.at_ms)
        if reviewer is None or knows(review, reviewer):
            return looked
        known = known_until(review)
        known_ms = None if known is None else milliseconds(known)
        return [
            each
            for each in looked
            if each.by == reviewer
            or each.why not in _FOR_A_VERDICT
            or (known_ms is not None and each.until_ms < known_ms)
        ]

    async def _require_counts(self, session_id: str, *, by: str, what: What, why: Why) -> None:
        if (await self._cases.get(session_id)).session.rehearsal_of:
            await self._refused(session_id, what, by=by, why=why)
            raise LookAtRehearsal

    def _sealed(self, kind: Kind, id_: str, by: str, why: Why) -> tuple[str, int]:
        made = ticket(kind, id_, by=by, why=why, now=self._cases.now())
        return sealed(made, key=self._key), made.until_ms

    def _opened(self, shown: str, session_id: str, *, by: str, live: bool = False) -> Ticket:
        """Return a ticket for this session; `live`: one for an exam, looked at later, will do."""
        found = opened(shown, by=by, now=self._cases.now(), key=self._key)
        if (found.kind == "session" and found.id == session_id) or (live and found.kind == "exam"):
            return found
        raise LookElsewhere

    async def _live(self, case: Case, may: Ticket, sha256: str) -> What:
        """Let a wall show a still of a session of its exam that goes on; nothing else of any."""
        session = case.session
        if session.state in ENDED:
            # Not written down as refused: a wall shows tiles for a while after their end.
            raise LookElsewhere
        what = What.SNAPSHOT
        # What its device has just sent as a still is one, and the records need not be read for it.
        live = self._strips.is_live(session.id, sha256)
        if not live:
            what = await self._strips.what(session.id, sha256)
        if session.exam != may.id or what is not What.SNAPSHOT:
            await self._refused(session.id, what, by=may.by, why=may.why)
            raise LookElsewhere
        # One of earlier is told as what it is: whoever watched did not see it as it came.
        return What.LIVE_STILLS if live else what

    async def _refused(self, session_id: str, what: What, *, by: str, why: Why = Why.NONE) -> None:
        await self._book.note(session_id, by=by, what=what, why=why, allowed=False)


def _whole(exam_id: str) -> str:
    """Return what stands for a session where all of an exam's are meant; no session is named so."""
    return f"exam:{exam_id}"

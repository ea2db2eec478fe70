"""One account per learner, within a programme: a document or a face on two accounts is raised.

A person looks; nothing happens by itself. No template of a face is kept: each search compares the
encrypted pictures anew, while they are held, and so takes its time. It waits for whatever else the
machine has to look at.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from proctor.domain.id_checks import IdReading
from proctor.domain.identity import Checked, CheckKind, CheckResult, searched, with_checks
from proctor.domain.session import ExamSession
from proctor.services.cases import Cases, Decide
from proctor.services.id_pictures import shown
from proctor.services.ports import NotFound, Raised, ShownFace, Store, Vision

logger = logging.getLogger(__name__)

# Faces that one is compared with: the newest of so many accounts. At 41 ms each, 42 s of a core,
# nine tenths of it in the two models, and as much at the next search, since nothing is kept. Nobody
# waits for it: no decision does, and a snapshot or a check-in for one call at the most.
MAX_FACES = 1000
# Compared in one call, which takes 1.3 s; then a worker is free again.
FACES_AT_ONCE = 32
# For each second of comparing, rest three, as the analysis does.
REST = 3
# While snapshots wait, look again after this.
BUSY_FOR_S = 1.0
# A search that failed is made again after this, and after twice as long each time it fails again.
AGAIN_AFTER_S = 30.0
MAX_AGAIN_AFTER_S = 3600.0

_KIND: dict[str, CheckKind] = {
    "same-document": CheckKind.ONE_DOCUMENT,
    "same-face": CheckKind.ONE_FACE,
}


class OneAccount:
    def __init__(
        self,
        store: Store,
        cases: Cases,
        vision: Vision,
        *,
        same_face: float,
        busy: Callable[[], bool],
    ) -> None:
        """Take the parts.

        Args:
            store: Of sessions and pictures.
            cases: The sessions in use.
            vision: Compares faces.
            same_face: The cosine from which two faces are raised, -1 to 1.
            busy: Tells whether the machine has anything more urgent to look at.
        """
        self._store = store
        self._cases = cases
        self._vision = vision
        self._same_face = same_face
        self._busy = busy
        self._waiting: dict[str, None] = {}  # bounded by who adds: what was read
        self._came = asyncio.Event()
        self._searching = ""
        self._rests: dict[str, float] = {}  # of those that failed: until they are added again

    @property
    def waiting(self) -> int:
        """How many check-ins are not looked for yet."""
        return len({*self._waiting, *self._rests, *filter(None, [self._searching])})

    def add(self, session_id: str) -> None:
        """Look for a check-in's face on other accounts, some time."""
        self._waiting[session_id] = None
        self._came.set()

    async def run(self) -> None:
        """Work until cancelled. What is not done by then is added again by `Readings`."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._came.wait()
                self._came.clear()
                while self._waiting:
                    # Taken out first: added while it is looked for, it is looked for once more.
                    session_id = next(iter(self._waiting))
                    del self._waiting[session_id]
                    self._searching = session_id
                    if await self._is_over(session_id):
                        self._rests.pop(session_id, None)
                    else:
                        rest = 2 * self._rests.get(session_id, AGAIN_AFTER_S / 2)
                        rest = min(rest, MAX_AGAIN_AFTER_S)
                        self._rests[session_id] = rest
                        group.create_task(self._add_later(session_id, rest))
                    self._searching = ""

    async def _is_over(self, session_id: str) -> bool:
        try:
            await self.face(session_id)
        except NotFound:
            pass  # erased since
        except Exception:
            # It stands in no row as done, so the next start looks again, too.
            logger.exception("faces not compared", extra={"session": session_id})
            return False
        return True

    async def _add_later(self, session_id: str, rest: float) -> None:
        await asyncio.sleep(rest)
        if self._rests.get(session_id) == rest:  # else it was done meanwhile, or rests anew
            self.add(session_id)

    async def document(self, session: ExamSession) -> Sequence[str]:
        """Raise the other accounts on which a session's document was shown; return their sessions.

        Raises:
            StorageFull: Not all are raised: do it again.
        """
        found = []
        mine = _document(await self._store.reading(session.id))
        for other in await self._store.same_document(session.id):
            known = (await self._cases.get(other)).session
            if not _is_same_account(known, session):
                of_new = _document(await self._store.reading(other)) == mine
                await self._raise(session, known, "same-document", None, of_new=of_new)
                found.append(other)
        return found

    async def face(self, session_id: str) -> None:
        """Raise the other accounts on which a session's face was shown, and note that it is done.

        Raises:
            NotFound: The face is erased.
            StorageFull: Not all is noted: do it again.
        """
        session = (await self._cases.get(session_id)).session
        reading = await self._store.reading(session_id)
        if reading is None:
            return
        compared: list[float | None] = []
        if reading.face:
            face = await self._store.blob(session_id, reading.face)
            others = [
                each
                for each in await self._store.faces(session_id, most=MAX_FACES)
                if not _is_same_account(each, session)
            ]
            for first in range(0, len(others), FACES_AT_ONCE):
                some = others[first : first + FACES_AT_ONCE]
                compared += await self._compare(session, face, some)
            # With nobody to compare it with: whether it could have been.
            compared = compared or await self._closest(face, [face])
        raised = any(each.why == "same-face" for each in await self._store.raised(session_id))
        is_compared = any(each is not None for each in compared)
        result: CheckResult = "differs" if raised else "agrees" if is_compared else "unavailable"
        made = [Checked(check=CheckKind.ONE_FACE, result=result)]

        def note(now: ExamSession, _at: datetime) -> ExamSession:
            if now.id_check.captured_at != session.id_check.captured_at:
                return now  # shown anew meanwhile
            return replace(now, id_check=with_checks(now.id_check, made))

        await self._cases.change(session_id, note, by="machine")

    async def _compare(
        self, session: ExamSession, face: bytes, others: Sequence[ShownFace]
    ) -> list[float | None]:
        held, pictures = [], []
        for other in others:
            try:
                pictures.append(await self._store.blob(other.session, other.sha256))
                held.append(other)
            except NotFound:
                pass  # erased since it was listed
        values = await self._closest(face, pictures)
        for other, value in zip(held, values, strict=True):
            if value is not None and value >= self._same_face:
                await self._raise_face(session, other, value)
        return values

    async def _closest(self, face: bytes, pictures: Sequence[bytes]) -> list[float | None]:
        """Compare, where nothing more urgent waits, and rest."""
        if not pictures:
            return []
        while self._busy():  # noqa: ASYNC110 - a queue that others fill and empty
            await asyncio.sleep(BUSY_FOR_S)
        began = asyncio.get_running_loop().time()
        values = list(await self._vision.closest(face, pictures))
        await asyncio.sleep(REST * (asyncio.get_running_loop().time() - began))
        return values

    async def _raise_face(self, session: ExamSession, other: ShownFace, value: float) -> None:
        try:
            known = (await self._cases.get(other.session)).session
            new = (await shown(self._store, known)).face
            accepted = replace(known, id_check=searched(known.id_check))
            old = (await shown(self._store, accepted)).face
        except NotFound:
            return  # erased since
        of_new = new is not None and new.sha256 == other.sha256
        if not of_new and (old is None or old.sha256 != other.sha256):
            # Shown anew since it was read: of the new picture nothing is known.
            known = replace(known, id_check=replace(known.id_check, captured_at=None))
        await self._raise(session, known, "same-face", value, of_new=of_new)

    async def _raise(
        self,
        session: ExamSession,
        other: ExamSession,
        why: Literal["same-document", "same-face"],
        value: float | None,
        *,
        of_new: bool,
    ) -> None:
        """Raise what both sessions show, each as it was when it was looked at.

        Of the other it is of what was shown last (`of_new`), or of what was accepted before.
        """
        known = await self._store.raised(session.id)
        if any((each.other, each.why) == (other.id, why) for each in known):
            return
        differs = [Checked(check=_KIND[why], result="differs")]

        def doubt(each: ExamSession, *, is_check: bool) -> Decide:
            def decide(now: ExamSession, at: datetime) -> ExamSession:
                if now.id_check.captured_at != each.id_check.captured_at:
                    return now  # shown anew meanwhile
                # No check of pictures that are newer, but a doubt all the same.
                check = with_checks(now.id_check, differs) if is_check else now.id_check
                return replace(now, id_check=replace(check, doubted_at=at))

            return decide

        # Both sessions first: what is raised already is not raised again after a crash.
        for each, is_check in ((session, True), (other, of_new)):
            await self._cases.change(each.id, doubt(each, is_check=is_check), by="machine")
        at = self._cases.now()
        await self._store.raise_same(
            Raised(why=why, session=session.id, other=other.id, value=value, at=at)
        )
        logger.info("two accounts raised", extra={"session": session.id, "why": why})


def _document(reading: IdReading | None) -> str:
    return reading.read.mrz.document if reading and reading.read and reading.read.mrz else ""


def _is_same_account(one: ExamSession | ShownFace, other: ExamSession) -> bool:
    """Tell whether two sessions are one account's: by the name, unless both say which it is."""
    if one.account and other.account:
        return one.account == other.account
    return _plain(one.learner) == _plain(other.learner)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())

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

from proctor.domain.identity import Checked, CheckKind, CheckResult, with_checks
from proctor.domain.session import ExamSession
from proctor.services.cases import Cases
from proctor.services.ports import NotFound, Raised, ShownFace, Store, Vision

logger = logging.getLogger(__name__)

# Faces that one is compared with: the newest of so many accounts. At 40 ms each, 40 s of a core.
MAX_FACES = 1000
# Compared in one call: a worker is free again for snapshots after a second or so.
FACES_AT_ONCE = 32
# For each second of comparing, rest three, as the analysis does.
REST = 3
# While snapshots wait, look again after this.
BUSY_FOR_S = 1.0

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

    @property
    def waiting(self) -> int:
        """How many check-ins are not looked for yet."""
        return len(self._waiting)

    def add(self, session_id: str) -> None:
        """Look for a check-in's face on other accounts, some time."""
        self._waiting[session_id] = None
        self._came.set()

    async def run(self) -> None:
        """Work until cancelled. What is not done by then is added again by `Readings`."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                session_id = next(iter(self._waiting))
                try:
                    await self.face(session_id)
                except NotFound:
                    pass  # erased since
                except Exception:
                    # It stands in no row as done, so the next start looks again.
                    logger.exception("faces not compared", extra={"session": session_id})
                finally:
                    self._waiting.pop(session_id, None)

    async def document(self, session: ExamSession) -> Sequence[str]:
        """Raise the other accounts on which a session's document was shown; return their sessions.

        Raises:
            StorageFull: Not all are raised: do it again.
        """
        found = []
        for other in await self._store.same_document(session.id):
            learner = (await self._cases.get(other)).session.learner
            if not _is_same_account(learner, session.learner):
                await self._raise(session.id, other, "same-document", None)
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
                if not _is_same_account(each.learner, session.learner)
            ]
            for first in range(0, len(others), FACES_AT_ONCE):
                some = others[first : first + FACES_AT_ONCE]
                compared += await self._compare(session_id, face, some)
        raised = any(each.why == "same-face" for each in await self._store.raised(session_id))
        result: CheckResult = "differs" if raised else "agrees"
        if not reading.face or (compared and all(each is None for each in compared)):
            result = "differs" if raised else "unavailable"
        captured_at = session.id_check.captured_at
        made = [Checked(check=CheckKind.ONE_FACE, result=result)]

        def note(now: ExamSession, _at: datetime) -> ExamSession:
            if now.id_check.captured_at != captured_at:
                return now  # shown anew meanwhile
            return replace(now, id_check=with_checks(now.id_check, made))

        await self._cases.change(session_id, note, by="machine")

    async def _compare(
        self, session_id: str, face: bytes, others: Sequence[ShownFace]
    ) -> list[float | None]:
        while self._busy():  # noqa: ASYNC110 - a queue that others fill and empty
            await asyncio.sleep(BUSY_FOR_S)
        began = asyncio.get_running_loop().time()
        held, pictures = [], []
        for other in others:
            try:
                pictures.append(await self._store.blob(other.session, other.sha256))
                held.append(other)
            except NotFound:
                pass  # erased since it was listed
        values = list(await self._vision.closest(face, pictures)) if pictures else []
        for other, value in zip(held, values, strict=True):
            if value is not None and value >= self._same_face:
                await self._raise(session_id, other.session, "same-face", value)
        await asyncio.sleep(REST * (asyncio.get_running_loop().time() - began))
        return values

    async def _raise(
        self,
        session_id: str,
        other: str,
        why: Literal["same-document", "same-face"],
        value: float | None,
    ) -> None:
        known = await self._store.raised(session_id)
        if any((each.other, each.why) == (other, why) for each in known):
            return
        differs = [Checked(check=_KIND[why], result="differs")]

        def doubt(session: ExamSession, now: datetime) -> ExamSession:
            check = replace(with_checks(session.id_check, differs), doubted_at=now)
            return replace(session, id_check=check)

        # Both sessions first: what is raised already is not raised again after a crash.
        for each in (session_id, other):
            await self._cases.change(each, doubt, by="machine")
        at = self._cases.now()
        await self._store.raise_same(
            Raised(why=why, session=session_id, other=other, value=value, at=at)
        )
        logger.info("two accounts raised", extra={"session": session_id, "why": why})


def _is_same_account(one: str, other: str) -> bool:
    """Tell whether two names are one account's: accounts have no other name here."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())

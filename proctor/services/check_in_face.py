"""The face that was shown at check-in: what later snapshots are compared with."""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime

from proctor.domain.identity import counting
from proctor.domain.session import ExamSession
from proctor.services.id_pictures import shown
from proctor.services.ports import NotFound, Store

# Pictures kept to compare with. One is some 60 KB: the sessions of a full exam, and no more.
MAX_BYTES = 32 << 20
MAX_SESSIONS = 4096


class CheckInFaces:
    """Fetches a session's face once, and keeps the newest used. No template of any is made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, tuple[datetime | None, bytes | None]] = OrderedDict()
        self._bytes = 0

    async def of(self, session: ExamSession) -> bytes | None:
        """Return the face, a JPEG; None where none was shown, or it is not held any more.

        While new pictures are not accepted yet it is the face before, unless that was refused.
        """
        session = replace(session, id_check=counting(session.id_check))
        check = session.id_check
        shown_at = check.captured_at or check.decided_at
        kept = self._kept.get(session.id)
        if kept is None or kept[0] != shown_at:
            kept = shown_at, await self._fetch(session)
            self._keep(session.id, *kept)
        else:
            self._kept.move_to_end(session.id)
        return kept[1]

    def forget(self, session_id: str) -> None:
        _, face = self._kept.pop(session_id, (None, None))
        self._bytes -= len(face or b"")

    def _keep(self, session_id: str, shown_at: datetime | None, face: bytes | None) -> None:
        self.forget(session_id)  # two may have fetched it at once
        self._kept[session_id] = shown_at, face
        self._bytes += len(face or b"")
        while self._bytes > MAX_BYTES or len(self._kept) > MAX_SESSIONS:
            self.forget(next(iter(self._kept)))

    async def _fetch(self, session: ExamSession) -> bytes | None:
        check = session.id_check
        if check.captured_at is None and check.decided_at is None:
            return None  # nothing is fixed yet
        face = (await shown(self._store, session)).face
        if face is None:
            return None
        try:
            return await self._store.blob(session.id, face.sha256)
        except NotFound:
            return None  # it has not come yet, or was erased

"""Contests: a learner answers a decision, with files; the case goes to another person."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from proctor.domain import review as rules
from proctor.domain.contest import Attachment, AttachmentsNotTaken, Contest, require_sound
from proctor.domain.errors import Refusal
from proctor.domain.policy import ReviewRules
from proctor.domain.session import ExamSession
from proctor.evidence.record import SERVER_DEVICE
from proctor.evidence.tree import Frontier
from proctor.services.cases import Cases
from proctor.services.ports import Append, NotFound, Store

# Answers with files that are in memory at the same time: each takes up to 70 MB for a moment.
MAX_LARGE_AT_ONCE = 4
# So long one more waits for its turn, unread; then its learner is asked to come back.
TURN_WITHIN_S = 20.0
RETRY_AFTER_S = 30
# An answer with files that came in time is in time for so long: while it is received, and where its
# learner was asked to come back.
IN_TIME_FOR = timedelta(minutes=10)


class ContestsBusy(Refusal):
    code = "contests-busy"

    def __init__(self) -> None:
        super().__init__(
            f"other answers with files are being received: send yours again in {RETRY_AFTER_S} s"
        )
        self.retry_after_s = RETRY_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that the learner adds."""

    name: str
    type: str  # a media type, as records write it
    data: bytes = field(repr=False)


class Contests:
    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases
        self._turns = asyncio.Semaphore(MAX_LARGE_AT_ONCE)
        self._under_way: set[str] = set()  # sessions of which a large answer is read, or waits
        self._came: dict[str, datetime] = {}  # when such sessions came first

    async def require_open(self, session_id: str) -> None:
        """Refuse what would be refused whatever the answer says: before it is read.

        Raises:
            Refusal: Of `domain.review.contest`.
        """
        await self._open(session_id, Contest(text="", at=self._came_at(session_id)))

    @asynccontextmanager
    async def turn(self, session_id: str) -> AsyncIterator[None]:
        """Have an answer with files in memory within the block, as few others do.

        Raises:
            ContestsBusy: Another of this session is under way, or no turn came in time.
        """
        self._remember(session_id)
        if session_id in self._under_way:
            raise ContestsBusy
        self._under_way.add(session_id)
        try:
            try:
                async with asyncio.timeout(TURN_WITHIN_S):
                    await self._turns.acquire()
            except TimeoutError:
                raise ContestsBusy from None
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._under_way.discard(session_id)

    async def contest(
        self,
        session_id: str,
        *,
        text: str,
        flags: Sequence[tuple[str, str]],
        files: Sequence[File],
    ) -> None:
        """Keep a learner's answer to the decision, and ask for another person.

        Files are kept as pictures are, encrypted, and named in the server's log: a bundle verifies
        with them. They are durable before the log names them.

        Raises:
            AttachmentsNotTaken: The session's key is destroyed, and with it all that was kept.
            StorageFull: Nothing was stored.
            Refusal: Of `domain.contest.require_sound` and `domain.review.contest`.
        """
        answer = Contest(
            text=text,
            at=self._came_at(session_id),
            flags=tuple(flags),
            attachments=await asyncio.to_thread(_named, files) if files else (),
        )
        policy = await self._open(session_id, answer)

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            # By when it came: what was in time is, however long others kept it waiting.
            answered = rules.contest(session.review, answer, rules=policy)
            taken = answered.contest and replace(answered.contest, at=now)
            return replace(session, review=replace(answered, contest=taken))

        require_sound(answer, raised={flag.id for flag in await self._store.flags(session_id)})
        if files:
            await self._keep(session_id, answer, files)
        await self._cases.change(session_id, decide, by="learner")
        self._came.pop(session_id, None)

    def _came_at(self, session_id: str) -> datetime:
        """Return when an answer came that is received now, perhaps for a second time."""
        now = self._cases.now()
        came_at = self._came.get(session_id, now)
        return came_at if now - came_at < IN_TIME_FOR else now

    def _remember(self, session_id: str) -> None:
        came_at = self._came_at(session_id)
        oldest = self._cases.now() - IN_TIME_FOR
        self._came = {each: at for each, at in self._came.items() if at > oldest}
        self._came[session_id] = came_at

    async def _open(self, session_id: str, answer: Contest) -> ReviewRules:
        """Return the rules of a session that can be contested now."""
        case = await self._cases.settled(session_id)
        policy = (await self._cases.published(case.session)).policy.review
        rules.contest(case.session.review, answer, rules=policy)
        return policy

    async def _keep(self, session_id: str, answer: Contest, files: Sequence[File]) -> None:
        blobs = {
            named.sha256: each.data for named, each in zip(answer.attachments, files, strict=True)
        }
        append = Append(
            session=session_id,
            device=SERVER_DEVICE,  # which has no batches: these are blobs alone
            first=0,
            lines=(),
            frontier=Frontier(),
            receipt=b"",
            received_at=answer.at,
            blobs=tuple(blobs.items()),
        )
        try:
            await self._store.append(append)
        except NotFound:
            raise AttachmentsNotTaken from None


def _named(files: Sequence[File]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            name=each.name,
            sha256=sha256(each.data).hexdigest(),
            size=len(each.data),
            type=each.type,
        )
        for each in files
    )

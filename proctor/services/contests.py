"""Contests: a learner answers a decision, with files; the case goes to another person."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from proctor.domain import review as rules
from proctor.domain.contest import Attachment, AttachmentsNotTaken, Contest, require_sound
from proctor.domain.session import ExamSession
from proctor.evidence.record import SERVER_DEVICE
from proctor.evidence.tree import Frontier
from proctor.services.cases import Cases
from proctor.services.ports import Append, NotFound, Store


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
            at=self._cases.now(),
            flags=tuple(flags),
            attachments=tuple(
                Attachment(
                    name=each.name,
                    sha256=sha256(each.data).hexdigest(),
                    size=len(each.data),
                    type=each.type,
                )
                for each in files
            ),
        )
        case = await self._cases.settled(session_id)
        policy = (await self._cases.published(case.session)).policy.review

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            answered = rules.contest(session.review, replace(answer, at=now), rules=policy)
            return replace(session, review=answered)

        decide(case.session, answer.at)  # refused before anything is kept
        require_sound(answer, raised={flag.id for flag in await self._store.flags(session_id)})
        if files:
            await self._keep(session_id, answer, files)
        await self._cases.change(session_id, decide, by="learner")

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

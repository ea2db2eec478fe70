"""Check-in: face and document are captured, and a person says who it was."""

from dataclasses import replace
from datetime import datetime

from proctor.domain.errors import Refusal
from proctor.domain.identity import IdEvent, IdState, advance
from proctor.domain.moves import Actor
from proctor.domain.session import Event, ExamSession, State
from proctor.domain.session import advance as advance_session
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases
from proctor.services.ports import Case, Store


class CheckInIncomplete(Refusal):
    code = "check-in-incomplete"

    def __init__(self, *, missing: list[str]) -> None:
        super().__init__(f"check-in needs {', '.join(missing)} first")
        self.missing = missing


class Identity:
    def __init__(self, store: Store, cases: Cases) -> None:
        self._store = store
        self._cases = cases

    async def check_in(self, session_id: str, device_id: str) -> Case:
        """Take note that the learner has shown face and document; the same again changes nothing.

        Where the policy holds the session for a person's decision it waits in check-in; else it is
        ready, and the person decides while the exam goes on.

        Raises:
            CheckInIncomplete: The device's log lacks the accepted policy, the face or the document.
            IllegalMove: The session is not in check-in.
        """
        case = await self._cases.get(session_id)
        identity = (await self._cases.published(case.session)).policy.identity
        needed = ["hello", "face"] + ([] if identity.document == "none" else ["document"])
        seen = await self._seen(session_id, device_id)
        if missing := [each for each in needed if each not in seen]:
            raise CheckInIncomplete(missing=missing)

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            check = session.id_check
            if check.state not in (IdState.AWAITED, IdState.RETAKE):
                return session
            captured = advance(check, IdEvent.CAPTURE, actor=Actor.LEARNER, by="learner")
            session = replace(session, id_check=captured)
            if identity.hold or session.state is not State.CHECK_IN:
                return session
            return advance_session(session, Event.CHECK_IN, actor=Actor.LEARNER)

        return await self._cases.change(session_id, decide, by="learner")

    async def decide(self, session_id: str, event: IdEvent, *, by: str, reason: str) -> Case:
        """Decide on an ID check.

        Raises:
            IdReasonMissing: Asked again or refused without a reason.
            IllegalMove: There is nothing to decide.
        """

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            check = advance(session.id_check, event, actor=Actor.PROCTOR, by=by, reason=reason)
            session = replace(session, id_check=check)
            if session.state is State.CHECK_IN and check.state is IdState.ACCEPTED:
                return advance_session(session, Event.CHECK_IN, actor=Actor.PROCTOR)
            return session

        return await self._cases.change(session_id, decide, by=by, reason=reason)

    async def _seen(self, session_id: str, device_id: str) -> set[str]:
        """Return what a device has shown: "hello" and the purposes of its snapshots."""
        seen = set()
        for batch in await self._store.received(session_id, device_id):
            for line in batch.lines:
                record = parse(line)
                if record.kind is Kind.HELLO:
                    seen.add("hello")
                elif record.kind is Kind.SNAPSHOT:
                    seen.add(str(record.facts.get("purpose")))
        return seen

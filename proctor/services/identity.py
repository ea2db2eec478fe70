"""Check-in: face and document are captured, and a person says who it was."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime

from proctor.domain.errors import Refusal
from proctor.domain.identity import AgainCode, IdEvent, IdState, advance, is_compared
from proctor.domain.moves import Actor, IllegalMove
from proctor.domain.policy import SystemReport, system_refusals
from proctor.domain.resource_words import system_rule_words
from proctor.domain.second_camera import PHONE, ROOM
from proctor.domain.session import ENDED, Event, ExamSession, SessionClosed, State
from proctor.domain.session import advance as advance_session
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases
from proctor.services.id_pictures import Digests, shown
from proctor.services.journal import milliseconds
from proctor.services.ports import Case, Store

# In these face and document have yet to be shown.
_AWAITING = frozenset({IdState.AWAITED, IdState.RETAKE})


class CheckInIncomplete(Refusal):
    code = "check-in-incomplete"

    def __init__(self, *, missing: list[str]) -> None:
        super().__init__(f"check-in needs {', '.join(missing)} first")
        self.missing = missing


class SystemRefused(Refusal):
    """The policy refuses the computer that the device says it is."""

    code = "system-refused"

    def __init__(self, *, refused: list[str]) -> None:
        super().__init__(f"this exam can't be taken on this computer: {'; '.join(refused)}")
        self.refused = refused


class IdCheckChanged(Refusal):
    """Other pictures were shown than those that somebody decided on."""

    code = "id-check-changed"

    def __init__(self) -> None:
        super().__init__("other pictures were shown meanwhile: look at them before you decide")


class Identity:
    def __init__(
        self, store: Store, cases: Cases, *, captured: Callable[[str], None] = lambda _: None
    ) -> None:
        """Take the parts. `captured` is called with each session that has pictures to read."""
        self._store = store
        self._cases = cases
        self._captured = captured

    async def check_in(self, session_id: str, device_id: str) -> Case:
        """Take note that the learner has shown face and document; the same again changes nothing.

        Where the policy holds the session for a person's decision it waits in check-in; else it is
        ready, and the person decides while the exam goes on. Once it is ready, or has begun, new
        pictures that a person asks for change nothing of where it stands; then neither the computer
        nor a second camera is looked at again.

        Raises:
            SystemRefused: The policy refuses this kind of computer, whatever else was shown.
            CheckInIncomplete: The device's log lacks the accepted policy, the face or the document;
                after a proctor asked again, pictures that came since. Or the policy asks for a
                second camera, and no phone has shown the room.
            IllegalMove: The session is not in check-in.
            SessionClosed: It has ended: no new pictures count any more.
        """
        case = await self._cases.get(session_id)
        _require_open(case.session)
        policy = (await self._cases.published(case.session)).policy
        identity = policy.identity
        begins = case.session.state in (State.INVITED, State.CHECK_IN)
        if begins and (
            refused := system_refusals(policy, await self._system(session_id, device_id))
        ):
            raise SystemRefused(refused=[system_rule_words(rule) for rule in refused])
        needed = ["hello", "face"] + ([] if identity.document == "none" else ["document"])
        seen = await self._seen(session_id, device_id, since=await self._asked_again(case))
        if begins and policy.capture.second_camera == PHONE:
            needed.append("second-camera")
            seen |= await self._second_camera(case.session)
        if missing := [each for each in needed if each not in seen]:
            raise CheckInIncomplete(missing=missing)

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            check = session.id_check
            if check.state not in _AWAITING:
                return session
            _require_open(session)
            captured = advance(check, IdEvent.CAPTURE, actor=Actor.LEARNER, by="learner", now=now)
            session = replace(session, id_check=captured)
            if identity.hold or session.state is not State.CHECK_IN:
                return session
            return advance_session(session, Event.CHECK_IN, actor=Actor.LEARNER)

        case = await self._cases.change(session_id, decide, by="learner")
        self._captured(session_id)
        return case

    async def decide(
        self,
        session_id: str,
        event: IdEvent,
        *,
        by: str,
        reason: str = "",
        code: AgainCode | None = None,
        seen: Digests | None = None,
    ) -> Case:
        """Decide on an ID check; a refusal is proposed by one person and confirmed by another.

        Who is vouched for may begin at once, whatever was shown: but not before they have joined.

        Args:
            session_id: Whose.
            event: What was decided.
            by: Who decides.
            reason: In their words.
            code: Why it is asked again.
            seen: The pictures that were before them; None: whatever was shown.

        Raises:
            AnotherPersonNeeded: The refusal was proposed by the same person.
            IdCheckChanged: Others than `seen` are shown now.
            IdReasonMissing: Refused or vouched for without a reason, or asked again with neither a
                code nor a reason.
            IllegalMove: There is nothing to decide.
            SessionClosed: New pictures are asked for of a session that has ended.
        """
        shown_at: datetime | None = None
        if seen is not None:
            before = (await self._cases.get(session_id)).session
            shown_at = before.id_check.captured_at
            if (await shown(self._store, before)).digests != seen:
                raise IdCheckChanged

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            if seen is not None and session.id_check.captured_at != shown_at:
                raise IdCheckChanged
            if event is IdEvent.VOUCH and session.state is State.INVITED:
                raise IllegalMove(machine="session", state=session.state, event=event)
            if event is IdEvent.ASK_AGAIN and session.state in ENDED:
                raise SessionClosed(state=session.state, closed_at=session.closed_at)
            check = advance(
                session.id_check,
                event,
                actor=Actor.PROCTOR,
                by=by,
                now=now,
                reason=reason,
                code=code,
            )
            session = replace(session, id_check=check)
            if session.state is State.CHECK_IN and check.state is IdState.ACCEPTED:
                return advance_session(session, Event.CHECK_IN, actor=Actor.PROCTOR)
            return session

        case = await self._cases.change(session_id, decide, by=by, reason=reason)
        check = case.session.id_check
        if check.before is not None and not is_compared(check):
            self._captured(session_id)  # accepted in place of others: it is compared from now on
        return case

    async def _asked_again(self, case: Case) -> int:
        """Return when a proctor last asked for new pictures, in ms; -1 where nobody has."""
        if case.session.id_check.state is not IdState.RETAKE:
            return -1
        lines = await self._store.server_lines(case.session.id)
        return max(
            record.at_ms
            for record in map(parse, lines)
            if record.kind is Kind.ID_CHECK
            and record.facts.get("state") == IdState.RETAKE
            # What a machine makes of the pictures before comes later, and asks for nothing.
            and record.facts.get("by") != "machine"
        )

    async def _system(self, session_id: str, device_id: str) -> SystemReport:
        """Return the computer that a device says it is, in its hello: the first of its records."""
        received = await self._store.received(session_id, device_id)
        told = parse(received[0].lines[0]).facts.get("system") if received else None
        facts = told if isinstance(told, dict) else {}
        # What is odd is not known, and what is not known refuses nobody.
        return SystemReport(
            **{
                each.name: value
                for each in fields(SystemReport)
                if isinstance(value := facts.get(each.name), str)
            }
        )

    async def _second_camera(self, session: ExamSession) -> set[str]:
        """Return "second-camera" where the phone of the newest link has shown the room."""
        camera = session.second_camera
        if camera is None or camera.phone is None:
            return set()
        held = await self._store.held(session.id)
        records = [
            record
            for batch in await self._store.received(session.id, camera.phone.id)
            for record in map(parse, batch.lines)
        ]
        # A record that came without its picture shows nothing yet.
        room = any(
            record.kind is Kind.SNAPSHOT
            and record.facts.get("purpose") == ROOM
            and record.blob is not None
            and record.blob.sha256 in held
            for record in records
        )
        hello = any(record.kind is Kind.HELLO for record in records)
        return {"second-camera"} if hello and room else set()

    async def _seen(self, session_id: str, device_id: str, *, since: int) -> set[str]:
        """Return what a device has shown: "hello", and the purposes of pictures after `since`."""
        seen = set()
        for batch in await self._store.received(session_id, device_id):
            # When it came decides, by the server's clock, as it did for the asking.
            new = milliseconds(batch.received_at) > since
            for record in map(parse, batch.lines):
                if record.kind is Kind.HELLO:
                    seen.add("hello")
                elif record.kind is Kind.SNAPSHOT and record.blob is not None and new:
                    seen.add(str(record.facts.get("purpose")))
        return seen


def _require_open(session: ExamSession) -> None:
    """Refuse pictures for a session that has ended while some were asked for."""
    if session.state in ENDED and session.id_check.state in _AWAITING:
        raise SessionClosed(state=session.state, closed_at=session.closed_at)

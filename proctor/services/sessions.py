"""A session's way: invited, joined, sections opened and closed, handed in; and a proctor's acts."""

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from proctor.domain import session as rules
from proctor.domain.errors import Refusal
from proctor.domain.exam import learner_section
from proctor.domain.moves import Actor
from proctor.domain.session import Event, ExamSession, SectionRun, SectionState
from proctor.domain.timing import NO_TIME, Allowance
from proctor.evidence.errors import BadSignature, EvidenceError
from proctor.evidence.note import KeyKind, VerifierKey
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases, unchanged
from proctor.services.journal import Entry, lines
from proctor.services.ports import Case, Device, NotFound, Published, Store

MAX_LEARNER_CHARS = 200
MAX_TIME_FACTOR = Decimal(4)
MAX_EXTRA = timedelta(hours=24)
_DEVICE_NAME = re.compile("d_[A-Za-z0-9_]{1,62}")  # which a record can bear


class JoinLinkUnknown(Refusal):
    code = "join-link-unknown"

    def __init__(self) -> None:
        super().__init__("this join link is not known: it may be cut short or mistyped")


class JoinLinkUsed(Refusal):
    code = "join-link-used"

    def __init__(self) -> None:
        super().__init__(
            "this join link is in use on another device: go on there, or ask for another link"
        )


class BadDeviceKey(Refusal):
    code = "bad-device-key"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class SubmissionMissing(Refusal):
    code = "submission-missing"

    def __init__(self) -> None:
        super().__init__("the submission has not arrived: send it over the uplink first")


class BadInvitation(Refusal):
    code = "bad-invitation"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Act(StrEnum):
    """What a proctor does to a session."""

    PAUSE = "pause"
    RESUME = "resume"
    TERMINATE = "terminate"
    EXTRA_TIME = "extra-time"


class ActReasonMissing(Refusal):
    code = "act-reason-missing"

    def __init__(self) -> None:
        super().__init__("an act needs its reason: the learner reads it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    session: str
    join_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    case: Case
    published: Published
    device: Device
    device_token: str


class Sessions:
    """Use cases on one session.

    `token` makes secrets: 32 random bytes as text that is safe in an address. `new_id` makes short
    names that nobody can guess the next of.
    """

    def __init__(
        self,
        store: Store,
        cases: Cases,
        *,
        token: Callable[[], str],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._cases = cases
        self._token = token
        self._new_id = new_id

    async def invite(
        self,
        exam_id: str,
        *,
        learner: str,
        time_factor: Decimal = Decimal(1),
        extra: timedelta = NO_TIME,
    ) -> Invitation:
        """Open a session for a learner and return its join link's token, which is kept nowhere.

        Raises:
            BadInvitation: No name, or an allowance out of its range.
            NotFound: No such exam was published.
        """
        name = learner.strip()
        if not 0 < len(name) <= MAX_LEARNER_CHARS or not name.isprintable():
            problem = f"a learner's name is 1 to {MAX_LEARNER_CHARS} characters on one line"
            raise BadInvitation(problem=problem)
        in_range = time_factor.is_finite() and 1 <= time_factor <= MAX_TIME_FACTOR
        if not (in_range and NO_TIME <= extra <= MAX_EXTRA):
            raise BadInvitation(problem="a time factor is 1 to 4, extra time 0 to 24 hours")
        published = await self._store.latest(exam_id)
        exam, now = published.exam, self._cases.now()
        window = exam.window
        session = ExamSession(
            id=f"s_{self._new_id()}",
            exam=exam.id,
            exam_sha256=published.exam_sha256,
            policy_sha256=published.policy_sha256,
            learner=name,
            made_at=now,
            sections=tuple(SectionRun(id=each.id, limit=each.limit) for each in exam.sections),
            in_order=exam.in_order,
            starts_at=window.start if window else None,
            ends_at=window.end if window else None,
            allowance=Allowance(time_factor=time_factor, extra=extra),
        )
        opened = Entry(
            Kind.OPENED,
            {
                "exam": exam.id,
                "exam_sha256": published.exam_sha256,
                "policy_sha256": published.policy_sha256,
            },
        )
        token = self._token()
        await self._store.create(
            session,
            join_sha256=digest(token),
            lines=lines([opened], session=session.id, first=0, now=now),
        )
        return Invitation(session=session.id, join_token=token)

    async def join(self, token: str, *, key: str, proof: str, kind: str) -> Joined:
        """Admit the first device that comes with a join link; the same key may come again.

        Args:
            token: Of the join link.
            key: The device's, as `VerifierKey.encode` writes it; its name is the device's id.
            proof: Base64 of the device's signature over `proof_text(token, key)`.
            kind: "desktop" or "browser", as the device says.

        Raises:
            BadDeviceKey: The key is none, or the proof was not made with it.
            JoinLinkUnknown: No session has this link.
            JoinLinkUsed: Another device was admitted.
        """
        verifier = _device_key(key)
        try:
            verifier.verify(b64decode(proof, validate=True), proof_text(token, key))
        except (BadSignature, ValueError):
            raise BadDeviceKey(problem="the proof was not made with this key") from None
        try:
            session_id = await self._store.invited(digest(token))
        except NotFound:
            raise JoinLinkUnknown from None
        device_token = self._token()
        device = Device(
            id=verifier.name,
            session=session_id,
            key=key,
            kind=kind,
            token_sha256=digest(device_token),
        )
        # Between this look and the change another device may be first; then the state says so.
        known = {each.key for each in await self._store.devices(session_id)}
        if known and key not in known:
            raise JoinLinkUsed
        admitted = Entry(Kind.DEVICE, {"id": device.id, "key": key, "device_kind": kind})

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            if key in known:
                return session
            if session.state is not rules.State.INVITED:
                raise JoinLinkUsed
            return rules.advance(session, Event.JOIN, actor=Actor.LEARNER)

        try:
            case = await self._cases.change(
                session_id,
                decide,
                by="learner",
                also=() if key in known else (admitted,),
                device=device,
            )
        except JoinLinkUsed:
            # Unless it was the same device that was first, for its request took long and it asked
            # again.
            if key not in {each.key for each in await self._store.devices(session_id)}:
                raise
            case = await self._cases.change(session_id, unchanged, by="learner", device=device)
        published = await self._cases.published(case.session)
        return Joined(case=case, published=published, device=device, device_token=device_token)

    async def device(self, token: str) -> Device | None:
        """Return the device a token was given to."""
        return await self._store.device_by_token(digest(token))

    async def open_section(self, session_id: str, section_id: str) -> tuple[Case, dict[str, Any]]:
        """Open a section and return it with its items, without keys.

        Raises:
            Refusal: Of `domain.session.open_section`.
        """
        case = await self._cases.change(
            session_id,
            lambda session, now: rules.open_section(session, section_id, now=now),
            by="learner",
        )
        published = await self._cases.published(case.session)
        return case, learner_section(published.exam, section_id)

    async def section(self, session_id: str, section_id: str) -> tuple[Case, dict[str, Any]]:
        """Return an open section with its items.

        Raises:
            SectionNotOpen: It is not open.
        """
        case = await self._cases.settled(session_id)
        if case.session.section(section_id).state is not SectionState.OPEN:
            raise rules.SectionNotOpen(section=section_id)
        published = await self._cases.published(case.session)
        return case, learner_section(published.exam, section_id)

    async def close_section(self, session_id: str, section_id: str) -> Case:
        """Hand a section in."""
        return await self._cases.change(
            session_id,
            lambda session, now: rules.hand_in_section(session, section_id, now=now),
            by="learner",
        )

    async def submit(self, session_id: str, device_id: str) -> Case:
        """Hand the whole session in.

        Raises:
            SubmissionMissing: The device's log holds no submission.
        """
        received = await self._store.received(session_id, device_id)
        marker = f'"kind":"{Kind.SUBMISSION}"'.encode()
        if not any(
            marker in line and parse(line).kind is Kind.SUBMISSION
            for batch in received
            for line in batch.lines
        ):
            raise SubmissionMissing
        return await self._cases.change(
            session_id, lambda session, now: rules.submit(session, now=now), by="learner"
        )

    async def act(
        self, session_id: str, act: Act, *, by: str, reason: str, section_s: int = 0
    ) -> Case:
        """Do what a proctor does to a session.

        Args:
            session_id: Which.
            act: What.
            by: The proctor's login name.
            reason: For the learner to read.
            section_s: Extra seconds for the section that is open.

        Raises:
            ActReasonMissing: No reason.
            Refusal: Of `domain.session`.
        """
        if not reason.strip():
            raise ActReasonMissing
        case = await self._cases.get(session_id)
        time = (await self._cases.published(case.session)).policy.time

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            match act:
                case Act.PAUSE:
                    return rules.pause(session, now=now)
                case Act.RESUME:
                    return rules.resume(session, now=now, rules=time)
                case Act.TERMINATE:
                    return rules.terminate(session, now=now)
                case Act.EXTRA_TIME:
                    given = timedelta(seconds=section_s)
                    section = _open_section(session.sections)
                    return rules.grant(session, section, given, reason=reason, now=now)

        return await self._cases.change(session_id, decide, by=by, reason=reason)

    async def contact_lost(self, session_id: str, *, at: datetime) -> None:
        """Note since when no device of a session is in contact."""
        await self._cases.contact_lost(session_id, at=at)

    async def contact_back(self, session_id: str) -> Case:
        """Note that a device is in contact; the ledger gives back what the policy says."""
        case = await self._cases.get(session_id)
        time = (await self._cases.published(case.session)).policy.time
        return await self._cases.change(
            session_id,
            lambda session, now: rules.contact_back(session, now=now, rules=time),
            by="clock",
        )

    async def after_restart(self) -> None:
        """Count the server's own absence as loss of contact, from the last batch it took."""
        for session_id in await self._store.unfinished():
            case = await self._cases.get(session_id)
            if case.session.lost_at is not None:
                continue
            logs = [
                await self._store.device_log(session_id, device.id)
                for device in await self._store.devices(session_id)
            ]
            if heard := [log.heard_at for log in logs if log.heard_at]:
                await self.contact_lost(session_id, at=max(heard))


def digest(token: str) -> str:
    """Return what is kept of a secret: its SHA-256, in hex."""
    return sha256(token.encode()).hexdigest()


def proof_text(token: str, key: str) -> bytes:
    """Return what a device signs to show that it holds the key it joins with."""
    return f"proctor-join/v1\n{token}\n{key}".encode()


def _device_key(key: str) -> VerifierKey:
    try:
        verifier = VerifierKey.parse(key)
    except EvidenceError as no:
        raise BadDeviceKey(problem=str(no)) from None
    if verifier.kind is not KeyKind.ED25519 or not verifier.name.startswith("d_"):
        raise BadDeviceKey(problem="a device signs with Ed25519 under a name that begins with d_")
    if not _DEVICE_NAME.fullmatch(verifier.name):
        raise BadDeviceKey(problem="a device's name has letters and digits, 64 at the most")
    return verifier


def _open_section(sections: Sequence[SectionRun]) -> str:
    for section in sections:
        if section.state is SectionState.OPEN:
            return section.id
    raise rules.SectionNotOpen(section="")

"""A session's way: invited, joined, sections opened and closed, handed in."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from proctor.domain import devices as asking
from proctor.domain import help as calls
from proctor.domain import session as rules
from proctor.domain.devices import AskState, Decision, KnownDevice
from proctor.domain.errors import Refusal
from proctor.domain.exam import Image, image_of, learner_section
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.domain.second_camera import PHONE
from proctor.domain.session import ENDED, ExamSession, SectionRun, SectionState
from proctor.domain.timing import NO_TIME, Allowance
from proctor.evidence.errors import BadSignature, EvidenceError
from proctor.evidence.note import DEVICE_KEYS, VerifierKey
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases
from proctor.services.journal import Entry, lines
from proctor.services.ports import Case, Device, NotFound, Published, Store

MAX_LEARNER_CHARS = 200
MAX_EMAIL_CHARS = 254  # RFC 5321: a path of 256, without its brackets
MAX_GROUP_CHARS = 64
MAX_ACCOUNT_CHARS = 200
MAX_TIME_FACTOR = Decimal(4)
MAX_EXTRA = timedelta(hours=24)
# Loosely: whether there is such a mailbox only its mail server knows.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+")
_DEVICE_NAME = re.compile("d_[A-Za-z0-9_]{1,62}")  # which a record can bear


class JoinLinkUnknown(Refusal):
    code = "join-link-unknown"

    def __init__(self) -> None:
        super().__init__("this join link is not known: it may be cut short or mistyped")


class JoinLinkUsed(Refusal):
    code = "join-link-used"

    def __init__(
        self, *, asked: AskState | None = None, over: bool = False, on: str | None = None
    ) -> None:
        super().__init__(
            "this exam is over, and was sat on another device: look there, or ask to be let in"
            if over
            else "this join link is in use on another device: go on there, or ask it to let you in"
        )
        self.asked = asked  # what became of this device's asking; None: it has not
        self.over = over  # the session has ended
        self.on = on  # the kind of the device that has it, as that said: "desktop" or "browser"


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
        email: str = "",
        group: str = "",
        account: str = "",
    ) -> Invitation:
        """Open a session for a learner and return its join link's token, which is kept nowhere.

        `email` is where the receipt is mailed to once it is handed in, and used for nothing else.
        `group` is whom proctors see the learner among, such as a course's name. `account` is the
        learner's in the course team's own system: it tells accounts apart where a document or a
        face is seen twice, and is shown to nobody.

        Raises:
            BadInvitation: No name, an allowance out of its range, an address that is none, or a
                group or an account that is no line.
            NotFound: No such exam was published.
        """
        name = learner.strip()
        if not 0 < len(name) <= MAX_LEARNER_CHARS or not name.isprintable():
            problem = f"a learner's name is 1 to {MAX_LEARNER_CHARS} characters on one line"
            raise BadInvitation(problem=problem)
        in_range = time_factor.is_finite() and 1 <= time_factor <= MAX_TIME_FACTOR
        if not (in_range and NO_TIME <= extra <= MAX_EXTRA):
            raise BadInvitation(problem="a time factor is 1 to 4, extra time 0 to 24 hours")
        to = email.strip()
        if to and not (len(to) <= MAX_EMAIL_CHARS and to.isprintable() and _EMAIL.fullmatch(to)):
            raise BadInvitation(problem="an email address is name@example.edu, one and no more")
        among = group.strip()
        if len(among) > MAX_GROUP_CHARS or not among.isprintable():
            problem = f"a group is at most {MAX_GROUP_CHARS} characters on one line"
            raise BadInvitation(problem=problem)
        known_as = account.strip()
        if len(known_as) > MAX_ACCOUNT_CHARS or not known_as.isprintable():
            problem = f"an account is at most {MAX_ACCOUNT_CHARS} characters on one line"
            raise BadInvitation(problem=problem)
        if exam_id == PRACTICE_EXAM:
            raise NotFound(what="exam", id=exam_id)  # who rehearses brings a link of their own
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
            group=among,
            account=known_as,
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
            email=to,
        )
        return Invitation(session=session.id, join_token=token)

    async def join(self, token: str, *, key: str, proof: str, kind: str) -> Joined:
        """Admit the first device that comes with a join link; the same key may come again.

        Another key is let in once it has asked and was admitted. Then it has the session, and no
        token of the one before is worth anything.

        Args:
            token: Of the join link.
            key: The device's, as `VerifierKey.encode` writes it; its name is the device's id.
            proof: Base64 of the device's signature over `proof_text(token, key)`.
            kind: "desktop" or "browser", as the device says.

        Raises:
            BadDeviceKey: The key is none, or the proof was not made with it.
            JoinLinkUnknown: No session has this link.
            IllegalMove: The session ended before anybody joined.
            JoinLinkUsed: Another device has the session.
        """
        session_id, known = await self._shown(token, key=key, proof=proof, kind=kind)
        device_token = self._token()
        device = Device(
            id=known.id,
            session=session_id,
            key=key,
            kind=kind,
            token_sha256=digest(device_token),
        )

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            used = session.devices.used
            if used is None:
                return rules.join(session, known)
            if used.key != key:
                ask, over = session.devices.latest(key), session.state in ENDED
                asked = None if ask is None else ask.state
                if asked is AskState.WAITING and ask not in rules.asks_open(session):
                    asked = None  # the end has answered it
                raise JoinLinkUsed(asked=asked, over=over, on=used.kind)
            return session

        case = await self._cases.change(session_id, decide, by="learner", device=device)
        published = await self._cases.published(case.session)
        return Joined(case=case, published=published, device=device, device_token=device_token)

    async def ask(self, token: str, *, key: str, proof: str, kind: str) -> tuple[Case, AskState]:
        """Ask to go on with a session that another device has; asking twice is asking once.

        Returns:
            The session, and ADMITTED where the link may be joined with now, else WAITING.

        Raises:
            BadDeviceKey, JoinLinkUnknown: As `join`.
            Refusal: Of `domain.devices.ask`.
        """
        session_id, known = await self._shown(token, key=key, proof=proof, kind=kind)

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            if session.devices.used is None:
                return session  # nobody to ask: it may join
            over_at = session.closed_at if session.state in ENDED else None
            devices = asking.ask(
                session.devices, known, now=now, phones=_phones(session), over_at=over_at
            )
            return replace(session, devices=devices)

        case = await self._cases.change(session_id, decide, by="learner")
        used = case.session.devices.used
        free = used is None or used.key == key
        return case, AskState.ADMITTED if free else AskState.WAITING

    async def decide_device(
        self, session_id: str, device_id: str, decision: Decision, *, by: str
    ) -> Case:
        """Let a device that asked go on with the session, or not.

        Raises:
            Refusal: Of `domain.devices.decide`.
        """

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            devices = asking.decide(session.devices, device_id, decision, phones=_phones(session))
            return replace(session, devices=devices)

        return await self._cases.change(session_id, decide, by=by)

    async def call(
        self, session_id: str, topic: calls.Topic, *, raised: bool, device: str, seq: int
    ) -> None:
        """Note that the learner calls for a person; where the session has ended nobody comes."""

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            if session.state in ENDED:
                return session
            call = calls.call(session.help, topic, raised=raised, now=now, device=device, seq=seq)
            return replace(session, help=call)

        await self._cases.change(session_id, decide, by="learner")

    async def _shown(
        self, token: str, *, key: str, proof: str, kind: str
    ) -> tuple[str, KnownDevice]:
        """Return the session of a link, and the device that has shown to hold its key."""
        verifier = shown_key(token, key=key, proof=proof)
        try:
            session_id = await self._store.invited(digest(token))
        except NotFound:
            raise JoinLinkUnknown from None
        return session_id, KnownDevice(id=verifier.name, key=key, kind=kind)

    async def device(self, token: str) -> Device | None:
        """Return the device a token was given to, if it takes part in its session still.

        A second camera does until the session ends: the learner alone reads what comes of it.
        """
        device = await self._store.device_by_token(digest(token))
        if device is None:
            return None
        session = (await self._cases.get(device.session)).session
        if device.kind == PHONE and session.state in ENDED:
            return None
        return device if takes_part(session, device) else None

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

    async def image(self, session_id: str, sha256: str) -> tuple[Image, bytes]:
        """Return an image that an open section shows.

        Raises:
            NotFound: No section that is open shows it.
        """
        case = await self._cases.settled(session_id)
        exam = (await self._cases.published(case.session)).exam
        for run in case.session.sections:
            if run.state is SectionState.OPEN and (image := image_of(exam.section(run.id), sha256)):
                return image, await self._store.exam_image(sha256)
        raise NotFound(what="image", id=sha256)

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
        """Count the server's own absence as loss of contact, from the last batch it took.

        A second camera's batches are no contact: nothing is worked on there.
        """
        for session_id in await self._store.unfinished():
            case = await self._cases.get(session_id)
            if case.session.lost_at is not None:
                continue
            logs = [
                await self._store.device_log(session_id, device.id)
                for device in await self._store.devices(session_id)
                if device.kind != PHONE
            ]
            if heard := [log.heard_at for log in logs if log.heard_at]:
                await self.contact_lost(session_id, at=max(heard))


def digest(token: str) -> str:
    """Return what is kept of a secret: its SHA-256, in hex."""
    return sha256(token.encode()).hexdigest()


def takes_part(session: ExamSession, device: Device) -> bool:
    """Tell whether a session is sat on a device, or the device is its second camera."""
    camera, used = session.second_camera, session.devices.used
    phone = None if camera is None else camera.phone
    return any(each is not None and each.key == device.key for each in (used, phone))


def _phones(session: ExamSession) -> tuple[KnownDevice, ...]:
    return () if session.second_camera is None else session.second_camera.phones


def shown_key(token: str, *, key: str, proof: str) -> VerifierKey:
    """Return the key that a device has shown to hold.

    Raises:
        BadDeviceKey: The key is none, or the proof was not made with it.
    """
    verifier = _device_key(key)
    try:
        verifier.verify(b64decode(proof, validate=True), proof_text(token, key))
    except (BadSignature, ValueError):
        raise BadDeviceKey(problem="the proof was not made with this key") from None
    return verifier


def proof_text(token: str, key: str) -> bytes:
    """Return what a device signs to show that it holds the key it joins with."""
    return f"proctor-join/v1\n{token}\n{key}".encode()


def _device_key(key: str) -> VerifierKey:
    try:
        verifier = VerifierKey.parse(key)
    except EvidenceError as no:
        raise BadDeviceKey(problem=str(no)) from None
    if verifier.kind not in DEVICE_KEYS or not verifier.name.startswith("d_"):
        raise BadDeviceKey(problem="a device's own kind of key, and a name that begins with d_")
    if not _DEVICE_NAME.fullmatch(verifier.name):
        raise BadDeviceKey(problem="a device's name has letters and digits, 64 at the most")
    return verifier

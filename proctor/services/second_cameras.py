"""A learner's phone as second camera: its link, its joining, and whether it is in contact."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from proctor.domain import second_camera as rules
from proctor.domain.devices import KnownDevice
from proctor.domain.second_camera import PHONE, NoSecondCamera
from proctor.domain.session import ENDED, ExamSession, SessionClosed
from proctor.services.cases import Cases
from proctor.services.ports import Device, NotFound, Store
from proctor.services.sessions import Joined, JoinLinkUnknown, JoinLinkUsed, digest, shown_key
from proctor.services.views import IdCheckView, SessionView

# No other link's token has one: those are characters that are safe in an address, and no dot.
_DOT = "."


def is_phone_link(token: str) -> bool:
    """Tell whether a join link's token was made for a second camera."""
    return _DOT in token


class SecondCameras:
    """Use cases of second cameras. `token` as `Sessions` takes it."""

    def __init__(self, store: Store, cases: Cases, *, token: Callable[[], str]) -> None:
        self._store = store
        self._cases = cases
        self._token = token

    async def ask(self, session_id: str) -> str:
        """Return the token of a new link; the link and the phone before it are replaced.

        Raises:
            NoSecondCamera: The policy asks for none.
            SessionClosed: The session has ended.
            Refusal: Of `domain.second_camera.ask`.
        """
        case = await self._cases.get(session_id)
        policy = (await self._cases.published(case.session)).policy
        if policy.capture.second_camera != PHONE:
            raise NoSecondCamera
        # Whose it is stands in it: nothing else has to be kept than its digest, in the session.
        token = f"{session_id}{_DOT}{self._token()}"

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            _require_open(session)
            camera = rules.ask(session.second_camera, digest(token), now=now)
            return replace(session, second_camera=camera)

        await self._cases.change(session_id, decide, by="learner")
        return token

    async def join(self, token: str, *, key: str, proof: str) -> Joined:
        """Make the first device that comes with a link the second camera; it may come again.

        Args:
            token: Of a link for which `is_phone_link` holds.
            key: As `Sessions.join`.
            proof: As `Sessions.join`.

        Raises:
            BadDeviceKey: The key is none, or the proof was not made with it.
            JoinLinkUnknown: No session has this link, or has it any more.
            JoinLinkUsed: Another phone has come with it.
            SessionClosed: The session has ended.
            DeviceNameTaken: Another device of the session has its name.
        """
        known = KnownDevice(id=shown_key(token, key=key, proof=proof).name, key=key, kind=PHONE)
        session_id, link_sha256 = token.partition(_DOT)[0], digest(token)
        device_token = self._token()
        device = Device(
            id=known.id,
            session=session_id,
            key=key,
            kind=PHONE,
            token_sha256=digest(device_token),
        )

        def decide(session: ExamSession, _now: datetime) -> ExamSession:
            camera = session.second_camera
            if camera is None or camera.link_sha256 != link_sha256:
                raise JoinLinkUnknown
            if camera.phone is not None and camera.phone.key != key:
                raise JoinLinkUsed
            _require_open(session)
            asked = [each.device for each in session.devices.asks]
            others = (*session.devices.admitted, *asked)
            return replace(session, second_camera=rules.join(camera, known, others=others))

        try:
            case = await self._cases.change(session_id, decide, by="learner", device=device)
        except NotFound:
            raise JoinLinkUnknown from None
        published = await self._cases.published(case.session)
        return Joined(case=case, published=published, device=device, device_token=device_token)

    async def after_restart(self) -> None:
        """Say of every second camera that it is lost: none is connected yet.

        Do this after `Sessions.after_restart`: a change settles the session.
        """
        for session_id in await self._store.unfinished():
            if (await self._cases.get(session_id)).session.second_camera is not None:
                await self._cases.change(session_id, camera_lost, by="clock")


def camera_back(session: ExamSession, now: datetime) -> ExamSession:
    """Decide that the second camera is in contact."""
    camera = session.second_camera
    return (
        session if camera is None else replace(session, second_camera=rules.back(camera, now=now))
    )


def camera_shown(session: ExamSession, now: datetime) -> ExamSession:
    """Decide that a picture came from the second camera."""
    camera = session.second_camera
    if camera is None:
        return session
    return replace(session, second_camera=rules.shown(camera, now=now))


def camera_lost(session: ExamSession, now: datetime) -> ExamSession:
    """Decide that the second camera is in contact no more."""
    camera = session.second_camera
    return (
        session if camera is None else replace(session, second_camera=rules.lost(camera, now=now))
    )


def as_phone_sees(shown: SessionView) -> SessionView:
    """Return what a second camera is shown of a session; whoever holds the phone learns no more.

    That is its state, when its sections open and close, and the second camera itself. The rest is
    as of a session of which nothing is known.
    """
    return replace(
        shown,
        id_check=IdCheckView(
            state="",
            asked_again=False,
            reason="",
            held_since_ms=None,
            held_before=None,
            assurance=(),
        ),
        window=None,
        sections=[replace(section, title="", closed_by=None) for section in shown.sections],
        ledger=[],
        verdict=None,
        device="",
        asking=[],
        help=None,
        asks=[],
        asked_before=[],
        acts=[],
        lifted=[],
        permitted=[],
        version=0,
        asked_still_ms=None,
    )


def _require_open(session: ExamSession) -> None:
    if session.state in ENDED:
        raise SessionClosed(state=session.state, closed_at=session.closed_at)

"""A phone as a second camera: a device of the session that shows the room and does nothing else.

It never has the session. A link is told to the learner; the first phone that comes with it is the
second camera, until another link is asked for.

Refusal
├── NoSecondCamera      the policy asks for none
├── TooManyPhones       as many phones as one session takes have joined it
└── SecondCameraOnly    a record that no second camera writes
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from proctor.domain.devices import DeviceNameTaken, KnownDevice
from proctor.domain.errors import Refusal

PHONE = "phone"  # the kind of the device, which its link makes it
ROOM = "room"  # the purpose of its snapshots
# Each is a log of its own in the session's bundle.
MAX_PHONES = 16


class NoSecondCamera(Refusal):
    code = "no-second-camera"

    def __init__(self) -> None:
        super().__init__("this exam's policy asks for no second camera")


class TooManyPhones(Refusal):
    code = "too-many-phones"

    def __init__(self) -> None:
        super().__init__(
            f"{MAX_PHONES} phones have been this session's second camera: ask a person"
        )
        self.at_most = MAX_PHONES


class SecondCameraOnly(Refusal):
    code = "second-camera-only"

    def __init__(self, *, kind: str) -> None:
        super().__init__(
            "a second camera writes its hello, snapshots of the room, gaps, notices and beats alone"
        )
        self.kind = kind


class CameraState(StrEnum):
    ASKED = "asked"  # no picture has come from a phone with the newest link
    CONNECTED = "connected"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondCamera:
    link_sha256: str  # of the newest link's token: the earlier ones are worth nothing
    since: datetime  # of the state; aware UTC, server clock
    state: CameraState = CameraState.ASKED
    phone: KnownDevice | None = None  # which joined with the newest link
    before: tuple[KnownDevice, ...] = ()  # those in whose place it came, oldest first

    @property
    def phones(self) -> tuple[KnownDevice, ...]:
        return self.before if self.phone is None else (*self.before, self.phone)


def ask(camera: SecondCamera | None, link_sha256: str, *, now: datetime) -> SecondCamera:
    """Return the second camera with a new link; the phone there was is replaced.

    Raises:
        TooManyPhones: There were MAX_PHONES.
    """
    before = () if camera is None else camera.phones
    if len(before) >= MAX_PHONES:
        raise TooManyPhones
    return SecondCamera(link_sha256=link_sha256, since=now, before=before)


def join(
    camera: SecondCamera, phone: KnownDevice, *, others: Sequence[KnownDevice]
) -> SecondCamera:
    """Return the second camera joined by its phone; the same where it is that phone already.

    Args:
        camera: Which no other phone has joined.
        phone: That came with its link.
        others: All other devices of the session, and those that asked for it.

    Raises:
        DeviceNameTaken: Another device has that name.
    """
    if camera.phone == phone:
        return camera
    if phone.id in {each.id for each in (*others, *camera.phones)}:
        raise DeviceNameTaken(device=phone.id)
    return replace(camera, phone=phone)


def shown(camera: SecondCamera, *, now: datetime) -> SecondCamera:
    """Return the second camera after a picture came from it."""
    if camera.state is CameraState.CONNECTED:
        return camera
    return replace(camera, state=CameraState.CONNECTED, since=now)


def back(camera: SecondCamera, *, now: datetime) -> SecondCamera:
    """Return the second camera whose phone is in contact; one that showed nothing stays asked."""
    return shown(camera, now=now) if camera.state is CameraState.LOST else camera


def lost(camera: SecondCamera, *, now: datetime) -> SecondCamera:
    """Return the second camera whose phone is in contact no more."""
    if camera.state is not CameraState.CONNECTED:
        return camera
    return replace(camera, state=CameraState.LOST, since=now)

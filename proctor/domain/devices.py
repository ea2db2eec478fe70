"""Which computer a learner works on, and another that asks to go on in its place.

One device at a time has the session. The first that comes with the join link has it at once; any
other asks, and the learner at the first, or a proctor, decides.

Refusal
├── TooManyAsks         the session was asked for as often as it can be
├── DeviceNameTaken     another device of this session has the name
├── NoSuchAsk           that device has not asked
└── AskDecided          it was decided otherwise
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from proctor.domain.errors import Refusal

# Of a whole session: whoever else has the link can't disturb its learner any more often.
MAX_ASKS = 16


class TooManyAsks(Refusal):
    code = "too-many-asks"

    def __init__(self) -> None:
        super().__init__(
            "other computers have asked for this session too often: ask for a new link"
        )
        self.at_most = MAX_ASKS


class DeviceNameTaken(Refusal):
    code = "device-name-taken"

    def __init__(self, *, device: str) -> None:
        super().__init__(f"another device of this session is named {device}")
        self.device = device


class NoSuchAsk(Refusal):
    code = "no-such-ask"

    def __init__(self, *, device: str) -> None:
        super().__init__(f"no device {device} has asked for this session")
        self.device = device


class AskDecided(Refusal):
    code = "ask-decided"

    def __init__(self, *, device: str, state: str) -> None:
        super().__init__(f"that was decided already: device {device} was {state}")
        self.device = device
        self.state = state


class AskState(StrEnum):
    WAITING = "waiting"
    ADMITTED = "admitted"
    REFUSED = "refused"


class Decision(StrEnum):
    ADMIT = "admit"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    id: str
    key: str  # the verifier key, as text
    kind: str  # "desktop" or "browser", as it says; "phone" where its link makes it one


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    device: KnownDevice
    asked_at: datetime  # aware UTC, server clock
    state: AskState = AskState.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    admitted: tuple[KnownDevice, ...] = ()  # one after the other; the last has the session
    asks: tuple[Ask, ...] = ()  # all of them, oldest first

    @property
    def used(self) -> KnownDevice | None:
        """The device that has the session; None while nobody joined."""
        return self.admitted[-1] if self.admitted else None

    @property
    def waiting(self) -> tuple[Ask, ...]:
        return tuple(each for each in self.asks if each.state is AskState.WAITING)

    def latest(self, key: str) -> Ask | None:
        """Return the last ask of the device with this key."""
        return next((each for each in reversed(self.asks) if each.device.key == key), None)


def ask(
    devices: Devices,
    device: KnownDevice,
    *,
    now: datetime,
    phones: Sequence[KnownDevice] = (),
    over_at: datetime | None = None,
) -> Devices:
    """Return the devices with an ask of this one; the same where it waits or has the session.

    Args:
        devices: Those of the session.
        device: Which asks.
        now: Server clock, aware UTC.
        phones: Those of the session that were a second camera: their names are taken too, and none
            of them is ever given the session.
        over_at: When the session ended. What was asked before that waits since now.

    Raises:
        DeviceNameTaken: Another key has that name, or a phone has it or its key.
        TooManyAsks: There were MAX_ASKS.
    """
    if any(device.id == phone.id or device.key == phone.key for phone in phones):
        raise DeviceNameTaken(device=device.id)
    used = devices.used
    if used is not None and used.key == device.key:
        return devices
    waits = next((each for each in devices.waiting if each.device.key == device.key), None)
    if waits is not None:
        if over_at is None or waits.asked_at >= over_at:
            return devices
        anew = replace(waits, asked_at=now)
        asks = tuple(anew if each is waits else each for each in devices.asks)
        return replace(devices, asks=asks)
    known = (*devices.admitted, *(each.device for each in devices.asks))
    if any(each.id == device.id and each.key != device.key for each in known):
        raise DeviceNameTaken(device=device.id)
    if len(devices.asks) >= MAX_ASKS:
        raise TooManyAsks
    return replace(devices, asks=(*devices.asks, Ask(device=device, asked_at=now)))


def decide(
    devices: Devices, device_id: str, decision: Decision, *, phones: Sequence[KnownDevice] = ()
) -> Devices:
    """Return the devices after the last ask of one was decided; the same if it was so already.

    `phones` as `ask`: none of them is given the session.

    Raises:
        AskDecided: It was decided otherwise.
        NoSuchAsk: It has not asked, or may not have.
    """
    places = [at for at, each in enumerate(devices.asks) if each.device.id == device_id]
    if not places:
        raise NoSuchAsk(device=device_id)
    asked = devices.asks[places[-1]]
    admit = decision is Decision.ADMIT
    if admit and asked.device.key in {phone.key for phone in phones}:
        raise NoSuchAsk(device=device_id)
    state = AskState.ADMITTED if admit else AskState.REFUSED
    if asked.state is state:
        return devices
    if asked.state is not AskState.WAITING:
        raise AskDecided(device=device_id, state=asked.state)
    asks = list(devices.asks)
    asks[places[-1]] = replace(asked, state=state)
    admitted = (*devices.admitted, asked.device) if admit else devices.admitted
    return Devices(admitted=admitted, asks=tuple(asks))


def waiting_again(devices: Devices, device_id: str, *, refused_at: datetime) -> Devices | None:
    """Return the devices with one waiting again that was refused; None where it does not rest so.

    That is where it has asked anew since then, or was never refused.
    """
    places = [at for at, each in enumerate(devices.asks) if each.device.id == device_id]
    if not places:
        return None
    asked = devices.asks[places[-1]]
    if asked.state is not AskState.REFUSED or asked.asked_at > refused_at:
        return None
    asks = list(devices.asks)
    asks[places[-1]] = replace(asked, state=AskState.WAITING)
    return replace(devices, asks=tuple(asks))


def gave_way(
    devices: Devices, device_id: str, *, at: datetime, phones: Sequence[KnownDevice] = ()
) -> KnownDevice | None:
    """Return the device in whose place one was let in `at`; None where that one has it no more.

    None, too, where there was none before, or it is a phone since: see `ask`.
    """
    if not devices.admitted[:-1]:
        return None
    before, used = devices.admitted[-2:]
    asked = devices.latest(used.key)
    if used.id != device_id or asked is None or asked.asked_at > at:
        return None
    return None if before.key in {phone.key for phone in phones} else before

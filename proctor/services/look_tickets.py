"""Tickets: short-lived addresses of pictures, each for one person and one session, or one exam.

A ticket is what it says and an HMAC of that, so that nothing is kept of it and a restart ends
none. It lets nobody in by itself: who shows it must be signed in as the person it was made for,
for addresses are written down in places that nobody thinks of.

    Refusal
    ├── LookExpired      its minutes are over: ask for another
    ├── LookNotYours     it was made for another person
    ├── LookElsewhere    it is for another session or exam, or not for such a picture
    └── LookAtRehearsal  nobody looks at a rehearsal but its learner: there is no ticket for it
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from proctor.domain.errors import Refusal
from proctor.services.journal import milliseconds
from proctor.services.look_book import Why
from proctor.services.ports import NotFound

# A page asks for another before this one is over; an address that was copied is soon worth nothing.
TICKET_FOR = timedelta(minutes=5)
# Ours are under 300 characters.
MAX_TICKET_CHARS = 600
_MAC_BYTES = 32

Kind = Literal["session", "exam"]  # all of a session; the live stills of an exam


class LookExpired(Refusal):
    code: ClassVar[str] = "look-expired"

    def __init__(self) -> None:
        super().__init__("this address was good for some minutes: ask for another")


class LookNotYours(Refusal):
    code: ClassVar[str] = "look-not-yours"

    def __init__(self) -> None:
        super().__init__("this address was made for another person")


class LookElsewhere(Refusal):
    code: ClassVar[str] = "look-elsewhere"

    def __init__(self) -> None:
        super().__init__("this address is not for this picture")


class LookAtRehearsal(Refusal):
    code: ClassVar[str] = "look-at-rehearsal"

    def __init__(self) -> None:
        super().__init__("this is a rehearsal: nobody but its learner looks at it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Who may look at what until when, and why they said they do."""

    kind: Kind
    id: str
    by: str  # a staff account's name
    why: Why
    until_ms: int


def ticket(kind: Kind, id_: str, *, by: str, why: Why, now: datetime) -> Ticket:
    """Return a ticket that is good from `now` on."""
    return Ticket(kind=kind, id=id_, by=by, why=why, until_ms=milliseconds(now + TICKET_FOR))


def sealed(ticket: Ticket, *, key: bytes) -> str:
    """Return a ticket as a part of an address: A-Z a-z 0-9 _ - only."""
    said = json.dumps([ticket.kind, ticket.id, ticket.by, ticket.why, ticket.until_ms]).encode()
    return urlsafe_b64encode(_mac(said, key) + said).rstrip(b"=").decode()


def opened(text: str, *, by: str, now: datetime, key: bytes) -> Ticket:
    """Return what a ticket says, for the person who shows it.

    Raises:
        NotFound: It was not made here.
        LookNotYours: It was made for another person.
        LookExpired: Its time is over.
    """
    try:
        whole = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        raise NotFound(what="ticket", id="") from None
    mac, said = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(said, key)):
        raise NotFound(what="ticket", id="")
    kind, id_, for_whom, why, until_ms = json.loads(said)
    if for_whom != by:
        raise LookNotYours
    if milliseconds(now) >= until_ms:
        raise LookExpired
    return Ticket(kind=kind, id=id_, by=by, why=Why(why), until_ms=until_ms)


def _mac(said: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"proctor look ticket v1\0" + said, "sha256")

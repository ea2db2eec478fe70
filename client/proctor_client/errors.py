"""What can stop the client, or one thing that it does.

ClientError                 says what happened, what is safe, and what to do
├── BadLink                 no join link of an exam server
├── BadInput                a file or an option that can't be used
├── NotAccepted             the learner did not accept the rules
├── CannotReach             the exam server does not answer
├── Refused                 the exam server said no, and why
├── ComputerRefused         the exam's policy refuses this kind of computer
├── SessionEnded            the session is over on the server's side
├── NotOver                 it is not, and only then there is something to look at
├── TakenElsewhere          another computer has the session now
├── NotHere                 the session was not sat on this computer
├── CameraLost              no picture comes from the camera
├── KeyMissing              the key that signs this session can't be read
├── SpoolBusy               another client writes this session
├── SpoolDamaged            what is on the disk is not what was written
├── SpoolFull               pictures have used up the space they may use
├── DiskFull                the disk takes no more
├── Unsaveable              an answer that fits no record: over 64 KiB
├── HistoryDiffers          the server holds another history than this computer
└── ReceiptRefused          a receipt that the exam server's key did not make
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

SAVED = "Everything you answered is saved on this computer."
AGAIN = "Run the same command again to continue where you were."
_SERVER_TROUBLE = 500
_OVER = frozenset({"submitted", "terminated", "expired", "session-closed"})
_LOOK_BACK = " What was seen and decided is shown by proctor-client after LINK, on this computer."


class ClientError(Exception):
    """Base. `safe` and `do` may be empty; `happened` never is."""

    def __init__(self, happened: str, *, safe: str = "", do: str = "") -> None:
        super().__init__(happened)
        self.happened = happened
        self.safe = safe
        self.do = do


class BadLink(ClientError):
    def __init__(self) -> None:
        super().__init__(
            "This is no join link.",
            do="Copy the whole link from your invitation: it ends in /join/ and a long word.",
        )


class BadInput(ClientError):
    pass


class NotAccepted(ClientError):
    def __init__(self) -> None:
        super().__init__(
            "You did not accept the rules, so the exam did not begin.",
            safe="Nothing was recorded.",
            do="Ask your course team if something in the rules is unclear or impossible for you.",
        )


class CannotReach(ClientError):
    def __init__(self, server: str) -> None:
        super().__init__(
            f"The exam server {server} can't be reached.",
            safe="Nothing was lost.",
            do="Check your network connection, and that the link is complete; then try again.",
        )


class Refused(ClientError):
    """A problem answer. `code` is the last part of its type, e.g. "section-closed"."""

    def __init__(self, *, code: str, status: int, detail: str, facts: Mapping[str, Any]) -> None:
        super().__init__(
            f"The exam server refused this: {detail} ({code}).",
            safe=SAVED,
            do="If this is not what you expect, send this message to your course team.",
        )
        self.code = code
        self.status = status
        self.detail = detail
        self.facts = facts

    @property
    def may_pass(self) -> bool:
        """Whether trying again can help: the server is busy or in trouble."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= _SERVER_TROUBLE


class ComputerRefused(ClientError):
    def __init__(self, kinds: Sequence[str]) -> None:
        """`kinds` are the server's words for what is refused: "Windows before 10"."""
        super().__init__(
            "This exam can't be taken on this computer. Its rules refuse: "
            f"{'; '.join(kinds) or 'its kind'}.",
            safe="Your exam has not begun, and no section's time has passed.",
            do="Use another computer. This link works on this one only: ask your course team for a"
            " new link. Tell them if this computer is not what is said here.",
        )
        self.kinds = tuple(kinds)


class SessionEnded(ClientError):
    """`state` is the session's: submitted, terminated or expired; or "session-closed"."""

    def __init__(self, state: str, reason: str = "") -> None:
        why = f": {reason}" if reason else "."
        super().__init__(
            f"The exam server has closed this session ({state}){why}",
            safe="Everything you answered is saved on this computer, even what was not received.",
            do="Contact your course team. Don't delete anything from this computer until then."
            + (_LOOK_BACK if state in _OVER else ""),
        )
        self.state = state


class NotOver(ClientError):
    def __init__(self) -> None:
        super().__init__(
            "Your exam goes on.",
            safe=SAVED,
            do="What was seen is shown once it has ended: hand it in first, with proctor-client"
            " take LINK.",
        )


class TakenElsewhere(ClientError):
    def __init__(self) -> None:
        super().__init__(
            "Your exam was taken over by another computer.",
            safe="What was received from here counts.",
            do="Look there: run this command on it, or open your link in its browser.",
        )


class NotHere(ClientError):
    def __init__(self) -> None:
        super().__init__(
            "This link was not used on this computer by this account.",
            safe="Nothing was begun, and nothing is lost.",
            do="Run this where you sat the exam, with the --data that was used. If you can't, open"
            " your link in a browser and ask there: the proctors see it. If you have not sat it"
            " yet: proctor-client take LINK",
        )


class CameraLost(ClientError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"We can't get a picture from the camera: {why}.",
            safe="Your answers are not affected.",
            do="Plug the camera in, and close other programs that use it.",
        )


class KeyMissing(ClientError):
    def __init__(self, device: str) -> None:
        super().__init__(
            f"The key of this session ({device}) can't be read from the system's keyring.",
            safe=SAVED,
            do="Unlock the keyring, then run the same command again.",
        )


class SpoolBusy(ClientError):
    def __init__(self) -> None:
        super().__init__(
            "This exam is already open in another window of this computer.",
            safe="That window goes on.",
            do="Continue there, or close it first.",
        )


class SpoolDamaged(ClientError):
    def __init__(self, what: str) -> None:
        super().__init__(
            f"The files of this session on the disk were changed: {what}.",
            safe="What the exam server received before is safe there.",
            do="Don't delete anything. Contact your course team.",
        )


class SpoolFull(ClientError):
    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(
            f"Pictures that wait to be sent fill the {limit_bytes} bytes they may use."
        )
        self.limit_bytes = limit_bytes


class DiskFull(ClientError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"The disk takes nothing more: {why}.",
            safe="Everything saved before is safe.",
            do="Free some space; then try again.",
        )


class Unsaveable(ClientError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"This answer can't be saved: {why}.",
            safe="Your earlier answer, if there is one, still counts.",
            do="Shorten it, or split it if the question allows that.",
        )


class HistoryDiffers(ClientError):
    def __init__(self, *, size: int, ours: int) -> None:
        super().__init__(
            f"The exam server's first {size} records are not the first of this computer's {ours}.",
            safe="Nothing more was sent. What each side holds stays as it is.",
            do="Contact your course team: was this session copied to, or continued on, another"
            " computer?",
        )
        self.size = size
        self.ours = ours


class ReceiptRefused(ClientError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"A receipt is not what the exam server's key would have made: {why}.",
            safe=SAVED,
            do="Stop, and contact your course team: someone may stand between you and the server.",
        )

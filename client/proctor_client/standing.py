"""Where the session stands: the server's view of it, and this computer's log.

Both are looked at by whoever decides what is next; neither decides anything.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from proctor.evidence.record import Kind
from proctor_client import clock
from proctor_client.errors import Refused, SessionEnded
from proctor_client.recorder import Written
from proctor_client.screen import duration
from proctor_client.server import Server
from proctor_client.spool import Spool
from proctor_client.wire import View

_NEWS_S = 5.0  # how often to look, for the server's push may have been lost
_OVER = {"terminated", "expired"}
# What the camera's pictures lack, in the words of the room in a browser. The one that explains the
# others stands first: one thing is asked for at a time.
_ASKS = {
    "camera-lost": "We can't read the camera's pictures: is there another camera to use?",
    "covered": "The camera sees almost nothing: is something in front of it?",
    "dark": "We can't see you well: is the lamp off?",
    "no-face": "We can't see your face: is the camera turned to you?",
    "frozen": "The camera's picture stands still: is another program using it?",
}
_GO_ON = "You can go on answering."
# Also where the section ended meanwhile, so it does not say that the pictures are good.
_ASKS_NO_MORE = "Nothing more is asked of your camera."


@dataclass(slots=True)
class Memory:
    """What the log says was done, in this run of the program or in one before."""

    answers: dict[str, Written] = field(default_factory=dict)  # item: the last answer to it
    given: dict[str, Any] = field(default_factory=dict)  # item: its response
    pictures: set[str] = field(default_factory=set)  # purposes
    submitted: bool = False

    @classmethod
    def of(cls, spool: Spool) -> "Memory":
        memory = cls()
        lines = spool.lines(0, spool.size)
        for record, line in zip(spool.records(), lines, strict=True):
            match record.kind:
                case Kind.ANSWER:
                    digest = sha256(line).hexdigest()
                    written = Written(seq=record.seq, at_ms=record.at_ms, sha256=digest)
                    memory.answered(str(record.facts["item"]), record.facts["response"], written)
                case Kind.SNAPSHOT:
                    memory.pictures.add(str(record.facts["purpose"]))
                case Kind.SUBMISSION:
                    memory.submitted = True
                case _:
                    pass
        return memory

    def answered(self, item: str, response: object, written: Written) -> None:
        self.answers[item], self.given[item] = written, response


class Standing:
    """The session as the server last told of it."""

    def __init__(
        self,
        server: Server,
        *,
        asked_still: Callable[[], None] = lambda: None,
        tell: Callable[[str], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the server, and whom to tell what comes from now on.

        `asked_still` is called when a proctor asks for a new picture, `changed` whenever the
        session did. `tell` is called with what the learner reads: of each act of a proctor, and of
        what is to be mended for the camera's pictures, when it begins and when it is over.
        """
        self._server = server
        self._asked_still = asked_still
        self._tell = tell
        self._changed = changed
        self._view: View = {}
        self._news = asyncio.Event()
        self._stale = False
        self._asked = ""  # what the learner was last told about the camera's pictures

    def see(self, view: View) -> None:
        """Take in a view: an answer, or a push."""
        if view != self._view:
            before, self._view = self._view, view
            self._news.set()
            self._changed()
            if before:  # what was done before this run of the program is told by the state
                self._tell_acts(before)
            self._tell_asks()

    def _tell_acts(self, before: View) -> None:
        asked = self._view.get("asked_still_ms")
        if asked is not None and asked != before.get("asked_still_ms"):
            self._asked_still()
        known = {each.get("id") for each in before.get("acts", [])}
        for act in self._view.get("acts", []):
            if act.get("id") not in known:
                self._tell(f"{act.get('words', '')} {act.get('note', '')}".strip())

    def _tell_asks(self) -> None:
        lasting = {ask["kind"] for ask in self._view.get("asks", []) if ask["until_ms"] is None}
        now = next((kind for kind in _ASKS if kind in lasting), "")
        if now != self._asked:
            self._asked = now
            self._tell(f"{_ASKS[now]} {_GO_ON}" if now else _ASKS_NO_MORE)

    def doubt(self) -> None:
        """Note that pushes may have been lost: there was a reconnection."""
        self._stale = True
        self._news.set()

    async def ask(self) -> None:
        """Ask the server. Raises SessionEnded if it has ended the session."""
        self.see(await self._server.session())
        self.raise_if_over()

    async def news(self) -> None:
        """Wait until something may have changed."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_NEWS_S):
                await self._news.wait()
        await self.ask()

    async def refresh(self) -> None:
        """Ask the server if there is reason to, but don't wait for it long."""
        if self._stale:
            self._stale = False
            with suppress(TimeoutError):
                async with asyncio.timeout(_NEWS_S):
                    await self.ask()
        self.raise_if_over()

    def raise_if_over(self) -> None:
        if self.state in _OVER:
            raise SessionEnded(self.state)

    @property
    def state(self) -> str:
        return str(self._view.get("state", ""))

    @property
    def id_check(self) -> dict[str, Any]:
        return dict(self._view["id_check"])

    @property
    def asks_again(self) -> bool:
        """Whether face and document are asked for once more, after the check-in."""
        begun = self.state in {"ready", "running", "paused"}
        return begun and self.id_check["state"] == "retake"

    def section(self, section: str) -> dict[str, Any]:
        """Return a section's part of the view."""
        for each in self._view.get("sections", []):
            if each["id"] == section:
                return dict(each)
        raise Refused(code="not-understood", status=200, detail=f"no section {section}", facts={})

    def open_section(self) -> str | None:
        """Return the section that is being worked on; None between sections and in a pause."""
        for each in self._view.get("sections", []) if self.state == "running" else []:
            if each["state"] == "open" and self.left_s(each["id"]) > 0:
                return str(each["id"])
        return None

    def left_s(self, section: str) -> float:
        """Return for how long a section is open yet, by the server's clock; it may be < 0."""
        closes_at_ms = self.section(section).get("closes_at_ms")
        if closes_at_ms is None:
            return float("inf")
        return float(closes_at_ms - self._server.clock.now_ms()) / 1000

    def open_for_s(self, section: str) -> float:
        """Return how long ago a section was opened, by the server's clock."""
        opened_at_ms = self.section(section).get("opened_at_ms")
        if opened_at_ms is None:
            return 0.0
        return float(self._server.clock.now_ms() - opened_at_ms) / 1000

    def ends(self, section: str) -> str:
        """Return when a section ends, said twice: "15:42 CET (in 38 minutes)"."""
        closes_at_ms = self.section(section).get("closes_at_ms")
        if closes_at_ms is None:
            return "an open time"
        return f"{clock.wall_time(closes_at_ms)} (in {duration(self.left_s(section))})"

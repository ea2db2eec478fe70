"""What the client asks of the exam server over HTTP.

Every command may be sent again, so a cut network only makes it wait: each is repeated, with growing
pauses, until the server has answered.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from proctor.evidence.note import SigningKey
from proctor_client import clock
from proctor_client.clock import ServerClock
from proctor_client.errors import BadLink, CannotReach, Refused
from proctor_client.wire import View, problem_of

CLIENT = "proctor-client/0.1.0"
KIND = "desktop"
JOIN_PATIENCE_S = 20.0  # before there is a session, an unreachable server is told soon
_ANSWER_S = 15.0
_HEARTBEAT_S = 8.0  # a silent link is noticed after one and a half
_MAX_MESSAGE_BYTES = 1024 * 1024  # from the server; a session view of 100 sections is far below
_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_MOST_DOUBLINGS = 10
_CHANCE = secrets.SystemRandom()

Keep = Callable[[dict[str, Any]], object]  # is given the answer to joining again


@dataclass(frozen=True, slots=True)
class Link:
    """A join link taken apart."""

    server: str  # "https://proctor.example", no slash at its end
    token: str = field(repr=False)


def parse_link(text: str) -> Link:
    """Take `<server>/join/<token>` apart.

    Raises:
        BadLink: It is something else.
    """
    parts = urlsplit(text.strip())
    before, join, token = parts.path.rpartition("/join/")
    if parts.scheme not in {"http", "https"} or not parts.netloc or not join or not token:
        raise BadLink
    return Link(f"{parts.scheme}://{parts.netloc}{before}", token.strip("/"))


async def told_by(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return the object that an answer holds.

    Raises:
        Refused: The server said no, and why; or "not-understood": no exam server answered so.
    """
    try:
        told = await answer.json(content_type=None)
    except (ValueError, UnicodeDecodeError):
        told = None
    if not isinstance(told, dict):
        detail = f"{answer.status} {answer.reason}, and no JSON"
        raise Refused(code="not-understood", status=answer.status, detail=detail, facts={})
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise problem_of(told, answer.status)
    return told


class Backoff:
    """Pauses between tries: they grow from 0.5 to 10 s, and no two clients keep step."""

    def __init__(self, jitter: Callable[[], float] = _CHANCE.random) -> None:
        """`jitter` gives numbers in [0, 1)."""
        self._jitter = jitter
        self._tries = 0

    def reset(self) -> None:
        self._tries = 0

    def next_s(self) -> float:
        """Return how long to pause now, 0.5..10 s."""
        longest_s = min(_LONGEST_PAUSE_S, _PAUSE_S * (1 << min(self._tries, _MOST_DOUBLINGS)))
        self._tries += 1
        return _PAUSE_S + (longest_s - _PAUSE_S) * self._jitter()


class Server:
    """The exam server, as one device of one session sees it."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        link: Link,
        *,
        key: SigningKey,
        say: Callable[[str], None],
        device_token: str = "",
        keep: Keep | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            http: What asks.
            link: Of the session.
            key: The device's.
            say: Tells the learner one sentence.
            device_token: Of joining before; "": not joined yet.
            keep: Is given each answer to joining again, whose token ends the one before. None:
                what is asked with an ended token is refused, and nothing is joined again.
        """
        self.url = link.server
        self.clock = ServerClock()
        self._http = http
        self._join_token = link.token
        self._key = key
        self._say = say
        self._device_token = device_token
        self._keep = keep
        self._away = False

    async def join(self, *, patience_s: float | None = None) -> dict[str, Any]:
        """Join, or join again with the same key, and return the server's answer.

        Raises:
            CannotReach: Not within `patience_s`, if that is given.
            Refused: Such as join-link-used: another computer joined with this link.
        """
        key = self._key.verifier.encode()
        message = b"proctor-join/v1\n" + self._join_token.encode() + b"\n" + key.encode()
        body = {
            "token": self._join_token,
            "key": key,
            "proof": b64encode(self._key.sign(message)).decode(),
            "client": CLIENT,
            "kind": KIND,
        }
        answer = await self._ask("POST", "/api/v1/join", body, patience_s=patience_s)
        self._device_token = str(answer.get("device_token", ""))
        return answer

    async def session(self) -> View:
        return await self._command("GET", "")

    async def check_in(self) -> View:
        """Raises Refused check-in-incomplete, whose `facts["missing"]` names purposes."""
        return await self._command("POST", "/check-in")

    async def open_section(self, section: str) -> dict[str, Any]:
        """Open a section, or look at it again, and return its items and the session."""
        return await self._command("POST", f"/sections/{section}/open")

    async def close_section(self, section: str) -> View:
        return await self._command("POST", f"/sections/{section}/close")

    async def submit(self) -> View:
        return await self._command("POST", "/submit")

    async def outcome(self) -> dict[str, Any]:
        """Return how far the review is. Raises CannotReach too, as it is not worth waiting for."""
        return await self._command("GET", "/outcome", patience_s=JOIN_PATIENCE_S)

    async def viewer_link(self) -> dict[str, Any]:
        """Return what lets one browser look at an exam that is over. Raises as `outcome`."""
        return await self._command("POST", "/viewer-link", patience_s=JOIN_PATIENCE_S)

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        """Open the uplink. Raises what aiohttp raises, or Refused; it is the caller who retries."""
        try:
            return await self._http.ws_connect(
                f"{self.url}/api/v1/uplink",
                headers=self._login(),
                heartbeat=_HEARTBEAT_S,
                autoping=False,  # a ping is a sign of life that the uplink wants to see
                max_msg_size=_MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
            )
        except aiohttp.WSServerHandshakeError as no:
            refused = Refused(code="uplink-refused", status=no.status, detail=no.message, facts={})
            if no.status == HTTPStatus.UNAUTHORIZED and self._keep is not None:
                await self._join_again(self._keep)
            elif not refused.may_pass:
                raise refused from None
            raise

    async def _command(
        self, method: str, path: str, *, patience_s: float | None = None
    ) -> dict[str, Any]:
        try:
            return await self._ask(method, f"/api/v1/session{path}", patience_s=patience_s)
        except Refused as no:
            if no.status != HTTPStatus.UNAUTHORIZED or self._keep is None:
                raise
        await self._join_again(self._keep, patience_s=patience_s)
        return await self._ask(method, f"/api/v1/session{path}", patience_s=patience_s)

    async def _join_again(self, keep: Keep, *, patience_s: float | None = None) -> None:
        answer = await self.join(patience_s=patience_s)
        with suppress(OSError):  # whoever finds the token of before joins once more
            keep(answer)

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        patience_s: float | None = None,
    ) -> dict[str, Any]:
        backoff = Backoff()
        began_s = clock.monotonic_s()
        while True:
            try:
                answer = await self._once(method, path, body)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError):
                pass  # OSError covers TimeoutError
            except Refused as no:
                if not no.may_pass:
                    raise
            else:
                if self._away:
                    self._away = False
                    self._say("The exam server answers again.")
                return answer
            if patience_s is not None and clock.monotonic_s() - began_s > patience_s:
                raise CannotReach(self.url)
            if not self._away:
                self._away = True
                self._say(
                    "The exam server can't be reached. What you do is saved on this computer and"
                    " will be sent by itself."
                )
            await asyncio.sleep(backoff.next_s())

    async def _once(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        sent_s = clock.monotonic_s()
        async with self._http.request(
            method,
            self.url + path,
            json=body,
            headers=self._login(),
            timeout=aiohttp.ClientTimeout(total=_ANSWER_S),
            allow_redirects=False,  # a login page of a hotel's network is no exam server
        ) as answer:
            told = await told_by(answer)
            heard_s = clock.monotonic_s()
            if isinstance(now_ms := told.get("now_ms"), int):
                self.clock.learn(server_ms=now_ms, sent_s=sent_s, heard_s=heard_s)
            return told

    def _login(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._device_token}"} if self._device_token else {}

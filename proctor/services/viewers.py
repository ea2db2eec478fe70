"""Browsers that look at an exam that is over: their link, their coming, and whose token it is."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from proctor.domain import viewing as rules
from proctor.domain.session import ENDED, ExamSession
from proctor.domain.viewing import ViewerLinkUnknown
from proctor.services.cases import Cases
from proctor.services.outcomes import NotOverYet
from proctor.services.ports import NotFound, Published
from proctor.services.sessions import digest

# No other token has one: those are characters that are safe in an address, and no tilde.
_TILDE = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    token: str = field(repr=False)  # of the link
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    session: ExamSession
    published: Published
    token: str = field(repr=False)
    until: datetime


class Viewers:
    """Use cases of browsers that only look. `token` as `Sessions` takes it."""

    def __init__(self, cases: Cases, *, token: Callable[[], str]) -> None:
        self._cases = cases
        self._token = token

    async def offer(self, session_id: str) -> Offered:
        """Return a new link's token; the link before is worth nothing.

        Raises:
            NotOverYet: The session goes on.
            TooManyViewers: As `domain.viewing.offer`.
        """
        token = self._made(session_id)

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            if session.state not in ENDED:
                raise NotOverYet(state=session.state)
            viewing = rules.offer(session.viewing, digest(token), now=now)
            return replace(session, viewing=viewing)

        case = await self._cases.change(session_id, decide, by="learner")
        assert case.session.viewing is not None
        assert case.session.viewing.link_until is not None
        return Offered(token=token, until=case.session.viewing.link_until)

    async def let_in(self, link_token: str) -> Viewer:
        """Let a browser in that came with a link: once. It takes the place of the one before.

        Raises:
            ViewerLinkUnknown: As `domain.viewing.let_in`.
        """
        session_id = _session_of(link_token)
        token = self._made(session_id)

        def decide(session: ExamSession, now: datetime) -> ExamSession:
            viewing = rules.let_in(
                session.viewing, digest(link_token), token_sha256=digest(token), now=now
            )
            return replace(session, viewing=viewing)

        try:
            case = await self._cases.change(session_id, decide, by="learner")
        except NotFound:
            raise ViewerLinkUnknown from None
        viewing = case.session.viewing
        assert viewing is not None
        assert viewing.token_until is not None
        return Viewer(
            session=case.session,
            published=await self._cases.published(case.session),
            token=token,
            until=viewing.token_until,
        )

    async def session(self, token: str) -> str | None:
        """Return the session that the browser with this token looks at, if it may still."""
        if not is_viewer_token(token):
            return None
        try:
            session = (await self._cases.get(_session_of(token))).session
        except NotFound:
            return None
        now = self._cases.now()
        return session.id if rules.may_look(session.viewing, digest(token), now=now) else None

    def _made(self, session_id: str) -> str:
        # Whose it is stands in it: nothing else has to be kept than its digest, in the session.
        return f"{session_id}{_TILDE}{self._token()}"


def is_viewer_token(token: str) -> bool:
    """Tell whether a token is a viewing browser's, or its link's."""
    return _TILDE in token


def _session_of(token: str) -> str:
    return token.partition(_TILDE)[0]

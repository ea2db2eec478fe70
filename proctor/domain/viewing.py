"""A browser that looks at an exam that is over, let in by the device that the exam was sat on.

Whoever sat in a terminal has no page there. Their device asks for a link; the first browser that
comes with it within minutes reads what was seen and decided, and may answer the decision. It signs
nothing and has no session. One browser at a time: the next takes its place.

Refusal
├── ViewerLinkUnknown   no such link, or it was used, or its minutes are over
└── TooManyViewers      as many browsers as one session takes have come
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from proctor.domain.errors import Refusal

# Long enough to start a browser; whoever finds the link later finds it worth nothing.
LINK_FOR = timedelta(minutes=5)
VIEWER_FOR = timedelta(hours=12)  # as a login: then the device asks for another link
MAX_VIEWERS = 200  # of a whole session: each is a line in its log


class ViewerLinkUnknown(Refusal):
    code = "viewer-link-unknown"

    def __init__(self) -> None:
        super().__init__("this link was used, or its minutes are over: ask for another")


class TooManyViewers(Refusal):
    code = "too-many-viewers"

    def __init__(self) -> None:
        super().__init__(f"{MAX_VIEWERS} browsers have looked at this session: ask a person")
        self.at_most = MAX_VIEWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """Of secrets there is their SHA-256 alone, in hex."""

    link_sha256: str = ""  # of the newest link; empty once it was used
    link_until: datetime | None = None  # exclusive; aware UTC, server clock
    token_sha256: str = ""  # of the browser that came last; empty before one did
    token_until: datetime | None = None  # exclusive
    browsers: int = 0  # how many came so far


def offer(before: Viewing | None, link_sha256: str, *, now: datetime) -> Viewing:
    """Return the viewing with a new link; the link before is worth nothing.

    Raises:
        TooManyViewers: MAX_VIEWERS came.
    """
    viewing = before or Viewing()
    if viewing.browsers >= MAX_VIEWERS:
        raise TooManyViewers
    return replace(viewing, link_sha256=link_sha256, link_until=now + LINK_FOR)


def let_in(
    viewing: Viewing | None, link_sha256: str, *, token_sha256: str, now: datetime
) -> Viewing:
    """Return the viewing after a browser came with the link, which is used up.

    Raises:
        ViewerLinkUnknown: It is not the newest link, or was used, or came too late.
    """
    if (
        viewing is None
        or viewing.link_until is None
        or viewing.link_sha256 != link_sha256
        or now >= viewing.link_until
    ):
        raise ViewerLinkUnknown
    return Viewing(
        token_sha256=token_sha256, token_until=now + VIEWER_FOR, browsers=viewing.browsers + 1
    )


def may_look(viewing: Viewing | None, token_sha256: str, *, now: datetime) -> bool:
    """Tell whether a token is that of the browser that came last, and in time."""
    return (
        viewing is not None
        and viewing.token_until is not None
        and viewing.token_sha256 == token_sha256
        and now < viewing.token_until
    )

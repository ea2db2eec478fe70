"""`after`: how the review of an exam stands, in words, and a link to all of it for a browser.

It can run beside a `take` that still delivers pictures: the token that `take` keeps is asked with.
Only where no `take` runs, and that token is ended, is the session joined again, and the new one
kept; joining again ends the token of whoever runs.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp

from proctor_client import clock
from proctor_client.agent import Plan, joined_before, keep_joined
from proctor_client.errors import NotHere, NotOver, Refused, SpoolBusy, TakenElsewhere
from proctor_client.keys import device_key
from proctor_client.server import Keep, Server
from proctor_client.spool import locked

Answers = tuple[dict[str, Any], dict[str, Any]]  # a viewer's link, how the review stands

_STATES = {
    "awaiting": "A person looks at your exam. Nothing is decided yet.",
    "unjudged": "Nobody had to judge your exam, so nobody did. Nothing counts against you.",
    "decided": "It is decided.",
    "contested": "You answered, and another person looks at it. Until then this stands:",
    "final": "It is decided for good, after your answer.",
}
_OUTCOMES = {
    "clear": "Nothing counts against you.",
    "breach": "It was decided that a rule was broken.",
    "void": "This exam does not count. You may be asked to sit again.",
    "inconclusive": "It can't be told what happened; nothing counts against you.",
}
_JUDGED = {
    "upheld": "counts",
    "not-upheld": "does not count",
    "cannot-tell": "can't be told",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LookingBack:
    """What there is to know of an exam that is over."""

    exam: str
    lines: tuple[str, ...]  # how the review stands
    link: str = field(repr=False)  # lets one browser look, once
    until: str  # "14:05 CET"


async def look_back(plan: Plan, *, say: Callable[[str], None]) -> LookingBack:
    """Ask how the review stands, and for a link to all of it.

    Args:
        plan: Its link, data and keyring count.
        say: Is told what keeps the answer waiting.

    Raises:
        NotHere: The session was not joined from this folder.
        NotOver: It goes on.
        SpoolBusy: A `take` runs that has to join again first.
        TakenElsewhere: Another computer has it now.
        ClientError: The server can't be reached, or refuses.
    """
    path = plan.joined_path
    joined = joined_before(path)
    if joined is None:
        raise NotHere
    key = device_key(plan.folder, use_keyring=plan.use_keyring)
    async with aiohttp.ClientSession() as http:

        async def ask(*, keep: Keep | None = None) -> Answers:
            kept = joined_before(path) or joined
            token = kept.device_token
            server = Server(http, plan.link, key=key, say=say, device_token=token, keep=keep)
            return await server.viewer_link(), await server.outcome()

        try:
            offered, outcome = await _with_kept_token(plan, ask)
        except Refused as no:
            if no.code == "not-over-yet":
                raise NotOver from None
            if no.code == "join-link-used":
                raise TakenElsewhere from None
            raise
    # Where this computer reaches the server its browser does too, whatever a proxy makes of it.
    link = f"{plan.link.server}/join/after#{offered['token']}"
    until = clock.wall_time(int(offered["until_ms"]))
    title = str(joined.exam.get("title", ""))
    return LookingBack(exam=title, lines=tuple(review_lines(outcome)), link=link, until=until)


async def _with_kept_token(plan: Plan, ask: Callable[..., Awaitable[Answers]]) -> Answers:
    for _ in range(2):  # the second time with what a running `take` may have kept meanwhile
        try:
            return await ask()
        except Refused as no:
            if no.status != HTTPStatus.UNAUTHORIZED:
                raise
        with suppress(SpoolBusy), locked(plan.folder):
            return await ask(keep=partial(keep_joined, plan.joined_path))
    raise SpoolBusy


def review_lines(outcome: dict[str, Any]) -> list[str]:
    """Return how a review stands, in sentences, from GET /api/v1/session/outcome."""
    state = "unjudged" if outcome.get("released_unjudged") is True else str(outcome.get("review"))
    lines = [_STATES.get(state, _STATES["awaiting"])]
    if (decided := outcome.get("outcome")) is not None:
        reasons = str(outcome.get("reasons") or "")
        said = _OUTCOMES.get(str(decided), str(decided))
        lines.append(f"{said} The reasons: “{reasons}”" if reasons else said)
    for flag in outcome.get("flags") or ():
        judged = _JUDGED.get(str(flag.get("outcome")), "not judged by itself")
        lines.append(f"  - {flag.get('words', '')} ({judged})")
    if isinstance(until_ms := outcome.get("contest_until_ms"), int):
        day = clock.wall_day(until_ms)
        lines.append(f"You can answer it in the browser until {day}.")
    if (result := outcome.get("results")) is not None:
        lines.append(f"Your result: {result['points']:g} of {result['possible']:g} points.")
    elif outcome.get("results_held"):
        lines.append("Your result is kept back until this is settled.")
    return lines

"""A wall with 500 tiles, as a server would tell it: for what one of a few can't show."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.conftest import until
from tests.pictures import jpeg

TILES = 500
CHANGES = 40  # of tiles, told at once


class BigWall:
    """The wall of a page, whose server is this object. Each tile in sight has a still of its own.

    Attributes:
        in_sight: The sessions whose tiles the page says can be seen.
        shown: Addresses of the stills that the page has asked for.
    """

    def __init__(self) -> None:
        self.in_sight: list[str] = []
        self.shown: set[str] = set()
        self._line: WebSocketRoute | None = None
        self._turn = 0

    @classmethod
    async def open(cls, page: Page) -> Self:
        """Load the page, which is signed in, anew; wait until all in sight have their stills."""
        made = cls()
        await page.route("**/stills/**", made._still)
        await page.route("**/api/v1/exams/*/looks", made._ticket)
        await page.route_web_socket("**/api/v1/wall", made._begin)
        await page.reload()
        await expect(page.get_by_role("button", name=f"All {TILES}")).to_be_visible()

        async def all_have_stills() -> bool:
            return bool(made.in_sight) and len(made.in_sight) <= len(made.shown)

        await until(all_have_stills)
        return made

    def tell(self) -> set[str]:
        """Tell news of 40 tiles; return whose.

        A fourth of those in sight have a new still, in turns, so that each has one in four.
        """
        assert self._line is not None
        delta = _delta(self._turn, self.in_sight[self._turn % 4 :: 4])
        self._line.send(json.dumps(delta))
        self._turn += 1
        return {tile["session"] for tile in delta["tiles"]}

    def _begin(self, line: WebSocketRoute) -> None:
        self._line = line
        line.on_message(self._hear)
        line.send(json.dumps(_wall()))

    def _hear(self, word: str | bytes) -> None:
        said = json.loads(word)
        if said["type"] == "view":
            self.in_sight = said["sessions"]

    async def _still(self, route: Route) -> None:
        self.shown.add(route.request.url)
        colour = hashlib.sha256(route.request.url.encode()).digest()[:3]
        picture = np.full((240, 320, 3), list(colour), dtype=np.uint8)
        await route.fulfill(body=jpeg(picture), content_type="image/jpeg")

    async def _ticket(self, route: Route) -> None:
        await route.fulfill(json={"path": "/stills", "until_ms": 10**9})


def _wall() -> dict[str, Any]:
    return {
        "type": "wall",
        "now_ms": 0,
        "me": "proctor",
        "exams": [{"id": "short", "title": "Short"}],
        "tiles": [_tile(number) for number in range(TILES)],
    }


def _tile(number: int) -> dict[str, Any]:
    # Nothing that a clock changes: a tile that is drawn anew was told of.
    return {
        "session": f"s_{number}",
        "learner": f"Learner {number}",
        "group": "",
        "exam": "short",
        "state": "running",
        "section": "Part A",
        "ends_at_ms": None,
        "paused_since_ms": None,
        "id_check": "accepted",
        "still": _still(f"s_{number}", -1),
        "connected": True,
        "heard_ms": None,
        "quality": [],
        "conduct": 0,
        "flagged": None,
        "needs": [],
        "needs_since_ms": None,
        "help": None,
        "termination": None,
        "interrupted": None,
        "taken_by": None,
        "looking": [],
        "waiting_devices": 0,
        "extra_s": 0,
        "still_old_s": 3600,
        "lifted": [],
    }


def _still(session: str, turn: int) -> dict[str, Any]:
    sha256 = hashlib.sha256(f"{session} {turn}".encode()).hexdigest()
    return {"device": "d_1", "sha256": sha256, "at_ms": turn * 250}


def _delta(turn: int, seen: Sequence[str]) -> dict[str, Any]:
    """Return news of some: of those `seen` a still, of others that one in eight needs someone."""
    tiles: list[dict[str, Any]] = [{"session": each, "still": _still(each, turn)} for each in seen]
    for number in range(CHANGES - len(seen)):
        place = (turn * 7 + number * 12) % TILES
        news: dict[str, Any] = {"session": f"s_{place}", "heard_ms": turn * 250}
        if number % 8 == 0:
            dark = ["dark"] if turn % 2 else []
            news |= {"quality": dark, "needs": ["quality"] if dark else [], "needs_since_ms": 0}
        tiles.append(news)
    return {"type": "delta", "now_ms": turn * 250, "tiles": tiles, "gone": []}

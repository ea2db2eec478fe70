"""A session's place on the wall: its tile as JSON, made once whoever it goes to."""

import json
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from proctor.domain.session import ENDED, ExamSession
from proctor.evidence.record import Record
from proctor.services.device_time import SET_MS
from proctor.services.intake import Line
from proctor.services.journal import milliseconds
from proctor.services.ports import Case
from proctor.services.tiles import (
    FlagTile,
    HelpTile,
    InterruptedTile,
    Raised,
    Said,
    TerminationTile,
    Tile,
    changes,
)


def _shallow(value: object) -> dict[str, object]:
    # Not `asdict`: it copies all that is in it, which takes longer than to encode it.
    assert isinstance(value, Tile | HelpTile | FlagTile | TerminationTile | InterruptedTile)
    return {each.name: getattr(value, each.name) for each in fields(value)}


encode = json.JSONEncoder(separators=(",", ":"), default=_shallow).encode


class Change(NamedTuple):
    """What changed of one tile, as JSON: for everybody, and for who has it before their eyes."""

    session: str
    exam: str
    all: str  # "" where it is for nobody else
    viewed: str


# Shared by all of whom nothing was flagged, which is most.
_NOTHING: Mapping[str, Raised] = MappingProxyType({})


class Place:
    """One session's place on the wall."""

    __slots__ = (
        "_heard_at",
        "_json",
        "_least_ms",
        "_newest_ms",
        "_shown",
        "_still",
        "conduct",
        "line",
        "looked_at",
        "said",
        "session",
        "tile",
        "version",
    )

    def __init__(self, case: Case) -> None:
        self.session: ExamSession = case.session
        self.version = case.version
        self.line: Line | None = None
        self.tile: Tile | None = None  # as last told
        self.conduct: Mapping[str, Raised] = _NOTHING  # by the flag's id
        self.looked_at: Collection[str] = ()  # of those
        self.said: Said | None = None  # None: to be read, where a call waits
        self._json = ""  # of the tile, made when it is asked for
        self._heard_at: datetime | None = case.session.lost_at
        self._shown: tuple[Record, datetime] | None = None
        self._still = "null"
        # How long a snapshot takes from its device's clock to ours, at the least; and the newest.
        self._least_ms = self._newest_ms = 0

    def show(self, tile: Tile) -> dict[str, object]:
        """Take a tile; return what is new in it, empty where nothing is."""
        found = changes(self.tile, tile)
        if found:
            self.tile, self._json = tile, ""
        return found

    def whole(self) -> str:
        """Return the whole tile as JSON; its still as `news` last found it."""
        self._json = self._json or encode(self.tile)[1:-1]
        heard = "null" if self._heard_at is None else milliseconds(self._heard_at)
        return f'{{{self._json},"heard_ms":{heard},"still":{self._still}}}'

    def news(self) -> str:
        """Return what came on the line since this was asked last, as members; "" where nothing."""
        line, found = self.line, ""
        over = self.session.state in ENDED
        if over and self._still != "null":
            self._still, found = "null", '"still":null'  # nobody may see it any more
        if line is None:
            return found
        if line.heard_at is not self._heard_at:
            self._heard_at = line.heard_at
            found = f'{found}{"," if found else ""}"heard_ms":{milliseconds(line.heard_at)}'
        if not over and line.still is not None and line.still is not self._shown:
            self._shown = line.still
            self._still = self._told_of(*line.still)
            found = f'{found}{"," if found else ""}"still":{self._still}'
        return found

    def _told_of(self, record: Record, came_at: datetime) -> str:
        assert record.blob is not None
        came_ms = milliseconds(came_at)
        took_ms = came_ms - record.at_ms
        # As in `device_time.dated`: the least delay tells how far the device's clock is ahead.
        set_anew = self._newest_ms == 0 or record.at_ms < self._newest_ms - SET_MS
        self._least_ms = took_ms if set_anew else min(self._least_ms, took_ms)
        self._newest_ms = record.at_ms if set_anew else max(self._newest_ms, record.at_ms)
        at_ms = min(record.at_ms + self._least_ms, came_ms)
        return encode({"device": record.device, "sha256": record.blob.sha256, "at_ms": at_ms})


def changed_to(place: Place, tile: Tile) -> Change:
    """Show a tile in its place; return what changed, and what came on the line meanwhile."""
    session, is_new = place.session, place.tile is None
    found = place.show(tile)
    news = place.news()
    if is_new:
        whole = place.whole()
        return Change(session.id, session.exam, whole, whole)
    text = encode(found) if found else ""
    viewed = text
    if news:
        viewed = f"{text[:-1]},{news}}}" if text else f'{{"session":"{session.id}",{news}}}'
    return Change(session.id, session.exam, text, viewed)

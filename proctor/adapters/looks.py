"""Looks in the same database: `services.look_book.LookStore`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import SQLModel

from proctor.adapters.store import SqlStore
from proctor.adapters.tables import LookRow
from proctor.services.journal import milliseconds
from proctor.services.look_book import Look, What, Why

_LOOKS: Any = SQLModel.metadata.tables[LookRow.__tablename__]
_KEY = ["session", "window", "by", "what", "why", "allowed"]


class SqlLooks:
    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def add(self, looks: Sequence[Look]) -> None:
        rows = [
            {
                "session": look.session,
                "window": look.window,
                "by": look.by,
                "what": str(look.what),
                "why": str(look.why),
                "allowed": look.allowed,
                "at_ms": milliseconds(look.at),
                "until_ms": milliseconds(look.until),
                "count": look.count,
            }
            for look in looks
        ]
        fresh = insert(_LOOKS)
        widened = {
            "at_ms": func.min(_LOOKS.c.at_ms, fresh.excluded.at_ms),
            "until_ms": func.max(_LOOKS.c.until_ms, fresh.excluded.until_ms),
            "count": _LOOKS.c.count + fresh.excluded.count,
        }
        statement = fresh.on_conflict_do_update(index_elements=_KEY, set_=widened)
        await self._store.write(lambda tx: tx.execute(statement, rows))

    async def of(self, session_id: str) -> Sequence[Look]:
        ordered = ("at_ms", "by", "what", "why", "allowed")
        found = select(_LOOKS).where(_LOOKS.c.session == session_id)
        query = found.order_by(*(_LOOKS.c[name] for name in ordered))
        rows: Sequence[Any] = await self._store.read(lambda tx: tx.execute(query).all())
        return [
            Look(
                session=row.session,
                by=row.by,
                what=What(row.what),
                why=Why(row.why),
                allowed=row.allowed,
                at=_instant(row.at_ms),
                until=_instant(row.until_ms),
                count=row.count,
            )
            for row in rows
        ]


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)

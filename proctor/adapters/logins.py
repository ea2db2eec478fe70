"""Staff accounts and logins in the same database: `services.logins.LoginStore`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from proctor.adapters.store import SqlStore
from proctor.adapters.tables import LoginRow, LoginTryRow, StaffRow
from proctor.services.journal import milliseconds
from proctor.services.logins import TRIES, Account, Login, NameTaken, StaffRole
from proctor.services.own_exams import OwnExams

_STAFF: Any = SQLModel.metadata.tables[StaffRow.__tablename__]
_LOGINS: Any = SQLModel.metadata.tables[LoginRow.__tablename__]
_TRIES: Any = SQLModel.metadata.tables[LoginTryRow.__tablename__]


class SqlLogins:
    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def account(self, name: str) -> Account | None:
        query = select(_STAFF).where(_STAFF.c.name == name)
        row: Any = await self._store.read(lambda tx: tx.execute(query).one_or_none())
        return None if row is None else _account(row)

    async def all_accounts(self) -> Sequence[Account]:
        query = select(_STAFF).order_by(_STAFF.c.name)
        rows: Sequence[Any] = await self._store.read(lambda tx: tx.execute(query).all())
        return [_account(row) for row in rows]

    async def add_account(self, account: Account) -> None:
        row = {
            "name": account.name,
            "role": str(account.role),
            "exams": _written(account.exams),
            "password_hash": account.password_hash,
            "made_at_ms": milliseconds(account.made_at),
        }

        def job(tx: Connection) -> None:
            try:
                tx.execute(insert(_STAFF), row)
            except IntegrityError:
                raise NameTaken(name=account.name) from None

        await self._store.write(job)

    async def set_password(self, name: str, password_hash: str) -> None:
        change = update(_STAFF).where(_STAFF.c.name == name).values(password_hash=password_hash)
        await self._store.write(lambda tx: tx.execute(change))

    async def set_exams(self, name: str, exams: OwnExams) -> None:
        change = update(_STAFF).where(_STAFF.c.name == name).values(exams=_written(exams))
        await self._store.write(lambda tx: tx.execute(change))

    async def note_try(self, name: str, *, at: datetime, since: datetime) -> Sequence[datetime]:
        at_ms, since_ms = milliseconds(at), milliseconds(since)
        recent = (
            select(_TRIES.c.at_ms)
            .where(
                (_TRIES.c.name == name) & (_TRIES.c.at_ms > since_ms) & (_TRIES.c.at_ms <= at_ms)
            )
            .order_by(_TRIES.c.at_ms)
        )

        def job(tx: Connection) -> list[datetime]:
            tx.execute(delete(_TRIES).where(_TRIES.c.at_ms <= since_ms))
            tries = [_instant(each) for each in tx.execute(recent).scalars()]
            if len(tries) < TRIES:
                tx.execute(insert(_TRIES), {"name": name, "at_ms": at_ms})
            return tries

        return await self._store.write(job)

    async def forget_tries(self, name: str) -> None:
        await self._store.write(lambda tx: tx.execute(delete(_TRIES).where(_TRIES.c.name == name)))

    async def add_login(self, login: Login) -> None:
        row = {
            "token_sha256": login.token_sha256,
            "name": login.name,
            "made_at_ms": milliseconds(login.made_at),
            "expires_at_ms": milliseconds(login.expires_at),
            "revoked_at_ms": None if login.revoked_at is None else milliseconds(login.revoked_at),
        }

        def job(tx: Connection) -> None:
            tx.execute(delete(_LOGINS).where(_LOGINS.c.expires_at_ms <= row["made_at_ms"]))
            tx.execute(insert(_LOGINS), row)

        await self._store.write(job)

    async def login(self, token_sha256: str) -> Login | None:
        query = (
            select(_LOGINS, _STAFF.c.role, _STAFF.c.exams)
            .join(_STAFF, _STAFF.c.name == _LOGINS.c.name)
            .where(_LOGINS.c.token_sha256 == token_sha256)
        )
        row: Any = await self._store.read(lambda tx: tx.execute(query).one_or_none())
        if row is None:
            return None
        return Login(
            token_sha256=row.token_sha256,
            name=row.name,
            role=StaffRole(row.role),
            exams=_read(row.exams),
            made_at=_instant(row.made_at_ms),
            expires_at=_instant(row.expires_at_ms),
            revoked_at=None if row.revoked_at_ms is None else _instant(row.revoked_at_ms),
        )

    async def revoke(self, token_sha256: str, *, at: datetime) -> None:
        await self._revoke(_LOGINS.c.token_sha256 == token_sha256, at)

    async def revoke_all(self, name: str, *, at: datetime) -> int:
        return await self._revoke(_LOGINS.c.name == name, at)

    async def _revoke(self, which: Any, at: datetime) -> int:
        change = (
            update(_LOGINS)
            .where(which & _LOGINS.c.revoked_at_ms.is_(None))
            .values(revoked_at_ms=milliseconds(at))
        )
        return await self._store.write(lambda tx: int(tx.execute(change).rowcount))


def _account(row: Any) -> Account:
    return Account(
        name=row.name,
        role=StaffRole(row.role),
        exams=_read(row.exams),
        password_hash=row.password_hash,
        made_at=_instant(row.made_at_ms),
    )


def _written(exams: OwnExams) -> str | None:
    return None if exams is None else json.dumps(sorted(exams))


def _read(exams: str | None) -> OwnExams:
    return None if exams is None else frozenset(json.loads(exams))


def _instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)

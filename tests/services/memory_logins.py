"""A LoginStore in memory and a hasher that takes no time, for tests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from proctor.services.logins import TRIES, Account, Login, NameTaken
from proctor.services.own_exams import OwnExams


class MemoryLoginStore:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.logins: dict[str, Login] = {}
        self.tries: dict[str, list[datetime]] = {}

    async def account(self, name: str) -> Account | None:
        return self.accounts.get(name)

    async def all_accounts(self) -> Sequence[Account]:
        return [self.accounts[name] for name in sorted(self.accounts)]

    async def add_account(self, account: Account) -> None:
        if account.name in self.accounts:
            raise NameTaken(name=account.name)
        self.accounts[account.name] = account

    async def set_password(self, name: str, password_hash: str) -> None:
        if name in self.accounts:
            self.accounts[name] = replace(self.accounts[name], password_hash=password_hash)

    async def set_exams(self, name: str, exams: OwnExams) -> None:
        if name in self.accounts:
            self.accounts[name] = replace(self.accounts[name], exams=exams)

    async def note_try(self, name: str, *, at: datetime, since: datetime) -> Sequence[datetime]:
        held = [one for one in self.tries.get(name, []) if since < one <= at]
        self.tries[name] = [*held, at] if len(held) < TRIES else held
        return held

    async def forget_tries(self, name: str) -> None:
        self.tries.pop(name, None)

    async def add_login(self, login: Login) -> None:
        self.logins[login.token_sha256] = login

    async def login(self, token_sha256: str) -> Login | None:
        login = self.logins.get(token_sha256)
        if login is None:
            return None
        account = self.accounts[login.name]
        return replace(login, role=account.role, exams=account.exams)

    async def revoke(self, token_sha256: str, *, at: datetime) -> None:
        login = self.logins.get(token_sha256)
        if login is not None and login.revoked_at is None:
            self.logins[token_sha256] = replace(login, revoked_at=at)

    async def revoke_all(self, name: str, *, at: datetime) -> int:
        held = [one for one in self.logins.values() if one.name == name and one.revoked_at is None]
        for one in held:
            await self.revoke(one.token_sha256, at=at)
        return len(held)


class PlainHasher:
    """A PasswordHasher that hides nothing, and counts how often it was asked."""

    def __init__(self, version: str = "v2") -> None:
        self.version = version
        self.verified = 0

    async def hash(self, password: str) -> str:
        return f"{self.version}:{password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.verified += 1
        return password_hash is not None and password_hash.partition(":")[2] == password

    def is_dated(self, password_hash: str) -> bool:
        return not password_hash.startswith(self.version)

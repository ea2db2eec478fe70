"""Staff accounts and logins: who a proctor, a course team or an administrator is.

A login is a row of our own, so that it can be revoked; the row keeps the SHA-256 of its token,
so that a copy of the database lets nobody in.

Known holes: the limit is per name, so a stranger can keep a name they know from signing in for a
quarter of an hour at a time; and one who tries many names is slowed only by the hasher's bound.
Limits per address belong to the reverse proxy, which alone knows the address.

    Refusal
    ├── BadLogin         name or password is wrong; which of them is not told
    ├── TooManyLogins    too many tries at one name
    ├── BadAccount       no such name, password or role is possible
    └── NameTaken        there is an account of that name
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from proctor.domain.errors import Refusal
from proctor.services.own_exams import MAX_OWN_EXAMS, OwnExams

LOGIN_FOR = timedelta(hours=12)
TRIES = 10
TRIES_WITHIN = timedelta(minutes=15)
# No hash: no password makes it.
_CLOSED = "!"
PASSWORD_MIN, PASSWORD_MAX = 10, 256

_NAME = re.compile(r"[a-z0-9.@_-]{1,64}")
# token_urlsafe(32) is 43 characters; a longer one was not made here, and is not worth a hash.
_TOKEN_MAX = 256


class BadLogin(Refusal):
    code: ClassVar[str] = "bad-login"

    def __init__(self) -> None:
        super().__init__("no account has this name and password")


class TooManyLogins(Refusal):
    code: ClassVar[str] = "too-many-logins"

    def __init__(self, *, retry_at: datetime) -> None:
        super().__init__(f"too many tries at this name; try again at {retry_at.isoformat()}")
        self.retry_at = retry_at


class BadAccount(Refusal):
    code: ClassVar[str] = "bad-account"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)


class NameTaken(Refusal):
    code: ClassVar[str] = "name-taken"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"there is an account named {name} already; to change it: proctor staff exams, password"
            " or close"
        )
        self.name = name


class StaffRole(StrEnum):
    PROCTOR = "proctor"
    LEAD = "lead"  # a proctor who also sees how well proctors agree, and who looked at what
    COURSE_TEAM = "course-team"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One of the staff. `name` is [a-z0-9.@_-]{1,64}; `password_hash` is the hasher's own text."""

    name: str
    role: StaffRole
    exams: OwnExams
    password_hash: str = field(repr=False)
    made_at: datetime

    @property
    def is_closed(self) -> bool:
        """Whether nobody can sign in to it."""
        return self.password_hash == _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One sign-in, valid in [made_at, expires_at) unless revoked before.

    `token_sha256` is 64 hex digits. `role` and `exams` are the account's now, not when it was made.
    """

    token_sha256: str
    name: str
    role: StaffRole
    exams: OwnExams
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        return now < self.expires_at and (self.revoked_at is None or now < self.revoked_at)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What `sign_in` made. The token is told once and kept nowhere."""

    token: str = field(repr=False)
    login: Login


class PasswordHasher(Protocol):
    """A slow password hash. Calls may run concurrently; it bounds how many work at once."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password made the hash; False too for a hash it can't read.

        None means that there is no such account: take as long as for a wrong password, say False.
        """
        ...

    def is_dated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with weaker parameters than today's."""
        ...


class LoginStore(Protocol):
    """Accounts, logins and tries. Each call is one transaction, durable when it returns.

    Calls may run concurrently. Instants are aware UTC and come back to the millisecond.
    """

    async def account(self, name: str) -> Account | None: ...

    async def all_accounts(self) -> Sequence[Account]:
        """Return all accounts, by name in ascending order."""
        ...

    async def add_account(self, account: Account) -> None:
        """Raise NameTaken, and change nothing, if there is an account of that name."""
        ...

    async def set_password(self, name: str, password_hash: str) -> None:
        """Do nothing if there is no such account."""
        ...

    async def set_exams(self, name: str, exams: OwnExams) -> None:
        """Do nothing if there is no such account."""
        ...

    async def note_try(self, name: str, *, at: datetime, since: datetime) -> Sequence[datetime]:
        """Return the tries at this name in (since, at], oldest first; then note one at `at`.

        Both are one atomic step, or many guesses at once would all find the list short. Nothing
        is noted once TRIES are held, so that no row is added and the wait gets no longer. The
        name need not be an account's. May forget every try, of any name, not after `since`.
        """
        ...

    async def forget_tries(self, name: str) -> None: ...

    async def add_login(self, login: Login) -> None:
        """Keep a login of an account that exists. May forget logins that ended before it began."""
        ...

    async def login(self, token_sha256: str) -> Login | None:
        """Return the login, also one expired or revoked, with role and exams of its account now."""
        ...

    async def revoke(self, token_sha256: str, *, at: datetime) -> None:
        """Do nothing if there is no such login or it is revoked already."""
        ...

    async def revoke_all(self, name: str, *, at: datetime) -> int:
        """Revoke each login of this name not yet revoked; return how many those were."""
        ...


async def add_staff(
    store: LoginStore,
    hasher: PasswordHasher,
    *,
    name: str,
    role: StaffRole,
    password: str,
    now: datetime,
    exams: OwnExams = None,
    published: Collection[str] = (),
) -> Account:
    """Make an account.

    Args:
        store: Keeps it.
        hasher: Of passwords.
        name: To sign in with.
        role: What it may do.
        password: The first one.
        now: Server clock.
        exams: Those that it is for, by id; None: every exam.
        published: The exams that there are.

    Raises:
        BadAccount: The name is not [a-z0-9.@_-]{1,64}, the password not 10..256 characters, or
            the exams are none, more than MAX_OWN_EXAMS, or not published.
        NameTaken: There is one of that name.
    """
    if _NAME.fullmatch(name) is None:
        raise BadAccount(problem="a name is 1 to 64 of the characters a-z 0-9 . @ _ -")
    _check_exams(exams, published)
    account = Account(
        name=name,
        role=role,
        exams=exams,
        password_hash=await hasher.hash(_checked(password)),
        made_at=now,
    )
    await store.add_account(account)
    return account


async def sign_in(
    store: LoginStore,
    hasher: PasswordHasher,
    *,
    name: str,
    password: str,
    now: datetime,
    token_factory: Callable[[], str],
) -> SignedIn:
    """Make a login of 12 hours.

    `token_factory` makes 32 random bytes in URL-safe base64, unlike any before.

    Raises:
        BadLogin: No such name, or another password. Both take the same time.
        TooManyLogins: TRIES tries at this name, existing or not, within TRIES_WITHIN.
    """
    normal = _normal(password)
    if _NAME.fullmatch(name) is None or normal is None:
        # Such an account can't exist, which whoever reads this file knows: no secret to keep.
        raise BadLogin
    # A try is noted before it is judged, and forgotten if it was right: counted afterwards, a
    # thousand guesses sent at once would all pass before the first was counted.
    tries = await store.note_try(name, at=now, since=now - TRIES_WITHIN)
    retry_at = blocked_until(tries)
    if retry_at is not None:
        raise TooManyLogins(retry_at=retry_at)
    account = await store.account(name)
    known_hash = None if account is None else account.password_hash
    matches = await hasher.verify(known_hash, normal)
    if account is None or not matches:
        raise BadLogin
    await store.forget_tries(name)
    renewed = account.password_hash
    if hasher.is_dated(renewed):
        renewed = await hasher.hash(normal)
        await store.set_password(name, renewed)
    token = token_factory()
    login = Login(
        token_sha256=_sha256(token),
        name=name,
        role=account.role,
        exams=account.exams,
        made_at=now,
        expires_at=now + LOGIN_FOR,
    )
    await store.add_login(login)
    # Somebody may have closed the account, or changed its password, while this one was verified.
    latest = await store.account(name)
    if latest is None or latest.password_hash not in (account.password_hash, renewed):
        await store.revoke(login.token_sha256, at=now)
        raise BadLogin
    return SignedIn(token, login)


def blocked_until(tries: Sequence[datetime]) -> datetime | None:
    """Return when a name may be tried again, or None if it may be now.

    Args:
        tries: The tries at one name within the last TRIES_WITHIN, oldest first.
    """
    if len(tries) < TRIES:
        return None
    return tries[-TRIES] + TRIES_WITHIN


async def who(store: LoginStore, *, token: str, now: datetime) -> Login | None:
    """Return the login of this token if it holds now."""
    if len(token) > _TOKEN_MAX:
        return None
    login = await store.login(_sha256(token))
    return login if login is not None and login.holds_at(now) else None


async def sign_out(store: LoginStore, *, token: str, now: datetime) -> None:
    """Revoke the login of this token, if there is one."""
    await store.revoke(_sha256(token), at=now)


async def revoke_all(store: LoginStore, *, name: str, now: datetime) -> int:
    """Sign this name out everywhere; return how many logins that ended."""
    return await store.revoke_all(name, at=now)


async def set_password(
    store: LoginStore, hasher: PasswordHasher, *, name: str, password: str, now: datetime
) -> None:
    """Give an account another password; its logins end.

    Raises:
        BadAccount: There is no such account, or the password is not 10..256 characters.
    """
    if await store.account(name) is None:
        raise BadAccount(problem=f"there is no account {name}")
    await store.set_password(name, await hasher.hash(_checked(password)))
    await store.revoke_all(name, at=now)


async def close_account(store: LoginStore, *, name: str, now: datetime) -> None:
    """Let nobody sign in to an account any more, until it is given a new password.

    The account stays, so that its name in verdicts stays somebody's.

    Raises:
        BadAccount: There is no such account.
    """
    if await store.account(name) is None:
        raise BadAccount(problem=f"there is no account {name}")
    await store.set_password(name, _CLOSED)
    await store.revoke_all(name, at=now)


async def set_exams(
    store: LoginStore, *, name: str, exams: OwnExams, published: Collection[str]
) -> None:
    """Let an account be for these exams and no others; None: for every exam.

    It counts from the next request on, for who is signed in already too. An open wall is closed
    within a minute, and shows the new exams when it is opened again.

    Raises:
        BadAccount: There is no such account, or the exams are as `add_staff` says.
    """
    if await store.account(name) is None:
        raise BadAccount(problem=f"there is no account {name}")
    _check_exams(exams, published)
    await store.set_exams(name, exams)


def _check_exams(exams: OwnExams, published: Collection[str]) -> None:
    if exams is None:
        return
    if not exams:
        raise BadAccount(problem="an account is for one exam at least: close it to take all away")
    if len(exams) > MAX_OWN_EXAMS:
        raise BadAccount(problem=f"an account names {MAX_OWN_EXAMS} exams at most, or is for all")
    # An exam that is published later could be named now, but so could a mistyped one, and its
    # proctor would find out on the day.
    if unknown := sorted(exams.difference(published)):
        known = ", ".join(sorted(published)) or "none yet (proctor exam publish FOLDER)"
        raise BadAccount(problem=f"there is no exam {', '.join(unknown)}; published: {known}")


def _checked(password: str) -> str:
    if len(password) < PASSWORD_MIN or (normal := _normal(password)) is None:
        raise BadAccount(
            problem=f"a password is {PASSWORD_MIN} to {PASSWORD_MAX} characters of Unicode text"
        )
    return normal


def _normal(password: str) -> str | None:
    # Two keyboards may make one accented letter of different code points (NIST SP 800-63B,
    # 5.1.1.2: NFKC). None: longer than any password, or half a surrogate pair.
    if len(password) > PASSWORD_MAX or any("\ud800" <= c <= "\udfff" for c in password):
        return None
    return unicodedata.normalize("NFKC", password)


def _sha256(token: str) -> str:
    # A plain hash is enough: a token of 32 random bytes can't be guessed, unlike a password.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

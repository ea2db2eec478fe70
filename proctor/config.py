"""Which of each, today: settings in, the parts of a server out."""

import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from proctor.adapters import exams, keys, policies, practice
from proctor.adapters.clock import SystemClock
from proctor.adapters.documents import Reader
from proctor.adapters.logins import SqlLogins
from proctor.adapters.looks import SqlLooks
from proctor.adapters.mail import MailSettings, SmtpMailer
from proctor.adapters.passwords import Argon2Passwords
from proctor.adapters.read_only import LOCK, NOT_ENDED, need_database
from proctor.adapters.segments import Segments
from proctor.adapters.store import SqlStore, open_engine
from proctor.adapters.thumbnails import Sheets
from proctor.adapters.vision import SAME_FACE_ON_TWO_ACCOUNTS, SAME_PERSON, Workers
from proctor.domain.policy import section_mismatches
from proctor.services.ports import Published
from proctor.services.rehearsals import Practice
from proctor.web.app import Parts

PAGES = Path(__file__).parent / "web" / "pages"
PRACTICE = Practice(exam_body=practice.exam_body, policy_body=practice.policy_body)
_SECRET_BYTES = 32
# Whoever looks whether a server runs holds the folder's lock for less than a millisecond.
_LOCK_TRIES = 5
_LOCK_AGAIN_S = 0.05
# Short enough to read out, and more of them than anyone can try: 50 bits.
_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 10


class PolicyDoesNotFit(Exception):
    """An exam and its policy speak of different sections."""


class PolicyTestsFail(Exception):
    """A policy does not do what its own [[test]] rows say. The message has a part for each."""


class FolderInUse(Exception):
    """Another server runs on this folder. Two would write over each other's pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server is started with."""

    data: Path  # database, segments and keys
    server: str  # the public name that receipts are signed under, such as exams.example.edu
    public_origin: str | None = None  # such as https://exams.example.edu, behind a proxy
    workers: int = 1  # processes that look at pictures
    mail: MailSettings | None = None  # None: no mail


def token() -> str:
    """Return a new secret, safe in an address."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def new_id() -> str:
    """Return a new short name."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


@asynccontextmanager
async def open_store(
    settings: Settings, *, alone: bool = False, makes: bool = True
) -> AsyncIterator[tuple[SqlStore, keys.Keys]]:
    """Open a data folder, making what is not there; close it at the end.

    Args:
        settings: Which.
        alone: No other process has it open: what a crash left unwritten is written.
        makes: If not, a folder without a database is refused, and nothing is made in it.

    Raises:
        DatabaseUnusable: The database is none of ours, or can't be opened; or there is none.
        KeyFileUnsafe: A secret can be read by others, or is another than this folder's.
        OSError: The folder can't be made or written.
    """
    if not makes:
        need_database(settings.data)
    found = keys.load(settings.data / "keys", server=settings.server)
    engine = open_engine(settings.data / "proctor.db")
    segments = Segments(settings.data / "segments")
    store = SqlStore(engine, segments, found, SystemClock(), alone=alone)
    try:
        await store.check_master_key()
        await store.recovered()
        yield store, found
    finally:
        await store.close()


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open all that a server is made of; close it at the end.

    Raises:
        FolderInUse: Another server runs on this folder.
        Exception: As `open_store`.
    """
    async with _open_alone(settings) as (store, found):
        mailer = None if settings.mail is None else SmtpMailer(settings.mail)
        vision, reader, thumbnails = Workers(settings.workers), Reader(), Sheets()
        try:
            yield Parts(
                store=store,
                logins=SqlLogins(store),
                looks=SqlLooks(store),
                ticket_key=found.ticket_key(),
                thumbnails=thumbnails,
                passwords=Argon2Passwords(),
                vision=vision,
                reader=reader,
                same_person=SAME_PERSON,
                same_face=SAME_FACE_ON_TWO_ACCOUNTS,
                lanes=settings.workers,
                key=found.signing,
                server=settings.server,
                now=SystemClock().now,
                token=token,
                new_id=new_id,
                pages=PAGES,
                practice=PRACTICE,
                public_origin=settings.public_origin,
                mailer=mailer,
            )
        finally:
            await vision.close()
            await reader.close()
            await thumbnails.close()
            if mailer is not None:
                await mailer.close()


@asynccontextmanager
async def _open_alone(settings: Settings) -> AsyncIterator[tuple[SqlStore, keys.Keys]]:
    """Open the store of a folder that no other server runs; note there whether all is written."""
    with _locked(settings.data) as lock:
        store: SqlStore | None = None
        try:
            async with open_store(settings, alone=True) as (store, found):
                with suppress(OSError):  # a full disk: a command that reads may not say it then
                    os.pwrite(lock, NOT_ENDED, 0)
                    os.fsync(lock)
                yield store, found
        finally:
            if store is not None and not store.is_behind:
                os.ftruncate(lock, 0)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Keep other servers from a folder; the kernel lets go of the file however this one ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if not _took(lock):
            why = "another server runs on it: stop that one, or choose another folder with --data"
            raise FolderInUse(f"{folder}: {why}")
        yield lock
    finally:
        os.close(lock)


def _took(lock: int) -> bool:
    """Take a lock, unless it is another's and stays so."""
    for again in range(_LOCK_TRIES):
        if again:
            sleep(_LOCK_AGAIN_S)
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


async def publish(store: SqlStore, folder: Path, *, policy_file: Path | None = None) -> Published:
    """Publish an exam folder with its policy: the one in the folder, or a built-in one.

    Raises:
        ExamError: The exam can't be read.
        PolicyDoesNotFit, PolicyError, PolicyTestsFail: As `policy_for`.
    """
    loaded = exams.load(folder)
    policy = policy_for(loaded, folder, policy_file=policy_file)
    return await store.publish(loaded.body, policy.body, images=loaded.images)


def policy_for(
    loaded: exams.LoadedExam, folder: Path, *, policy_file: Path | None = None
) -> policies.LoadedPolicy:
    """Return the policy that an exam is published with: the one in its folder, or a built-in one.

    Raises:
        PolicyDoesNotFit: It is for other sections.
        PolicyError: It can't be read, or there is none.
        PolicyTestsFail: A test of its file fails.
    """
    name = f"{loaded.exam.policy_id}.toml"
    beside = folder / name
    path = policy_file or (beside if beside.is_file() else policies.builtin_folder() / name)
    if policy_file is None and not path.is_file():
        raise exams.ExamError(
            file="exam.toml",
            line=None,
            problem=f"policy_id: there is no {name} beside it, and no built-in policy of that id",
            right=f"{', '.join(policies.builtin_ids())}; or a file {name} in {folder}",
        )
    policy = policies.load(path)
    sections = [(each.id, int(each.limit.total_seconds())) for each in loaded.exam.sections]
    mismatches = section_mismatches(policy.policy, sections)
    if mismatches:
        raise PolicyDoesNotFit(f"{folder}: {'; '.join(mismatches)}")
    failed = [each.words for each in policies.run_tests(policy) if not each.passed]
    if failed:
        raise PolicyTestsFail(f"{path}: {'; '.join(failed)}")
    return policy

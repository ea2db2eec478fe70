"""The commands of the `server` extra."""

import asyncio
import errno
import json
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
import uvloop

from proctor import config
from proctor.adapters import exams, models, policies
from proctor.adapters.clock import SystemClock
from proctor.adapters.keys import KeyFileUnsafe
from proctor.adapters.logins import SqlLogins
from proctor.adapters.mail import BadMailSettings, MailSettings, Tls
from proctor.adapters.passwords import Argon2Passwords
from proctor.adapters.policy_file import PolicyError
from proctor.adapters.store import DatabaseUnusable, SqlStore
from proctor.cli import flags
from proctor.cli import serve as serving
from proctor.config import Settings
from proctor.domain.errors import Refusal
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.evidence.errors import MalformedNote
from proctor.services import logins
from proctor.services.cases import Cases
from proctor.services.logins import StaffRole
from proctor.services.own_exams import in_words
from proctor.services.ports import NotFound
from proctor.services.rehearsals import ReadinessRow, Rehearsals
from proctor.services.sessions import Sessions
from proctor.web.serve import CannotListen

app = typer.Typer(
    help="Proctored exams in which every claim can be checked.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,  # [[test]] is no markup
)


def _group(what: str) -> typer.Typer:
    return typer.Typer(help=what, no_args_is_help=True, rich_markup_mode=None)


policy_app = _group("Policies: check them, test them, read them.")
exam_app = _group("Exams: check and publish them.")
staff_app = _group("Staff accounts.")
models_app = _group("Models and pictures, fetched by hash.")
for name, group in (
    ("policy", policy_app),
    ("exam", exam_app),
    ("staff", staff_app),
    ("models", models_app),
    ("flags", flags.app),
):
    app.add_typer(group, name=name)

Data = Annotated[
    Path, typer.Option(envvar="PROCTOR_DATA", help="Folder of database, pictures and keys.")
]
Server = Annotated[
    str, typer.Option(envvar="PROCTOR_SERVER", help="Public name that receipts are signed under.")
]
Exams = Annotated[
    list[str] | None,
    typer.Option("--exam", help="One that the account is for; again for each. None: every exam."),
]
PolicyOfExam = Annotated[
    Path | None, typer.Option("--policy", help="Policy file, if not the one named.")
]
DEFAULT_DATA = Path("proctor-data")
DEFAULT_SERVER = "localhost"


@app.command()
def serve(
    data: Data = DEFAULT_DATA,
    server: Server = DEFAULT_SERVER,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    public_origin: Annotated[
        str | None, typer.Option(help="https://… as browsers see it, behind a proxy.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes for pictures.")] = 1,
    mail_host: Annotated[
        str,
        typer.Option(envvar="PROCTOR_MAIL_HOST", help="SMTP server for receipts; none: no mail."),
    ] = "",
    mail_port: Annotated[
        int | None,
        typer.Option(
            envvar="PROCTOR_MAIL_PORT", min=1, max=65535, help="If not 587, or 465 with tls."
        ),
    ] = None,
    mail_tls: Annotated[
        Tls, typer.Option(envvar="PROCTOR_MAIL_TLS", help="none is for a relay on this machine.")
    ] = Tls.STARTTLS,
    mail_user: Annotated[
        str, typer.Option(envvar="PROCTOR_MAIL_USER", help="Whom to sign in there as.")
    ] = "",
    mail_password_file: Annotated[
        Path | None,
        typer.Option(envvar="PROCTOR_MAIL_PASSWORD_FILE", help="With the password, mode 0600."),
    ] = None,
    mail_from: Annotated[
        str, typer.Option(envvar="PROCTOR_MAIL_FROM", help="Address that receipts come from.")
    ] = "",
) -> None:
    """Run the exam server."""
    mail: MailSettings | None = None
    if mail_host or mail_port or mail_user or mail_password_file or mail_from:
        mail = MailSettings(
            host=mail_host,
            port=mail_port,
            tls=mail_tls,
            user=mail_user,
            password_file=mail_password_file,
            sender=mail_from,
        )
    settings = Settings(
        data=data, server=server, public_origin=public_origin, workers=workers, mail=mail
    )
    _run(serving.run(settings, host=host, port=port))


@app.command()
def invite(
    exam: str,
    learner: Annotated[str, typer.Argument(help="The name on their account.")],
    data: Data = DEFAULT_DATA,
    server: Server = DEFAULT_SERVER,
    url: Annotated[str, typer.Option(help="Where learners reach the server.")] = (
        "http://127.0.0.1:8080"
    ),
    time_factor: Annotated[str, typer.Option(help="Of every limit: 1 to 4, such as 1.25.")] = "1",
    extra_s: Annotated[int, typer.Option(min=0, max=86400, help="Added to every limit.")] = 0,
    email: Annotated[
        str, typer.Option(help="Where the receipt is mailed to, if the server sends mail.")
    ] = "",
    group: Annotated[str, typer.Option(help="Whom proctors see them among.")] = "",
    account: Annotated[
        str,
        typer.Option(help="Theirs in your system, if a name may not tell two accounts apart."),
    ] = "",
) -> None:
    """Invite a learner to a published exam and print the join link, which is kept nowhere."""
    try:
        factor = Decimal(time_factor)
    except InvalidOperation:
        _fail(f"--time-factor {time_factor} is no number; 1.25 is a quarter more")

    async def work() -> None:
        async with _open(data, server) as store:
            cases = Cases(store, SystemClock())
            sessions = Sessions(store, cases, token=config.token, new_id=config.new_id)
            try:
                made = await sessions.invite(
                    exam,
                    learner=learner,
                    time_factor=factor,
                    extra=timedelta(seconds=extra_s),
                    email=email,
                    group=group,
                    account=account,
                )
            except NotFound:
                await _no_exam(exam, store)
            print(f"{made.session}  {url.rstrip('/')}/join/{made.join_token}")

    _run(work())


@policy_app.command("check")
def check_policies(files: list[Path]) -> None:
    """Say what is wrong in policy files: file, line, key, and what would be right."""
    _print(policies.check_files(files))


@policy_app.command("test")
def test_policies(files: list[Path]) -> None:
    """Run the [[test]] rows of policy files."""
    _print(policies.test_files(files))


@policy_app.command("show")
def show_policy(
    file: Path,
    audience: Annotated[
        Literal["learner", "proctor"], typer.Option("--as", help="Who reads it.")
    ] = "learner",
) -> None:
    """Print what people read of a policy."""
    _print([policies.show(file, audience)])


@policy_app.command("schema")
def policy_schema() -> None:
    """Print the JSON Schema of policy files, for editors."""
    print(json.dumps(policies.json_schema(), indent=1))


@exam_app.command("check")
def check_exam(folder: Path, policy: PolicyOfExam = None) -> None:
    """Say what is wrong in an exam folder, or keeps it from being published with its policy."""
    loaded = exams.load(folder)
    with _in_one_line():
        found = config.policy_for(loaded, folder, policy_file=policy).policy
    items = sum(len(section.items) for section in loaded.exam.sections)
    count = len(loaded.exam.sections)
    print(f"{folder}: {loaded.exam.title}: {count} sections, {items} items, {loaded.sha256[:12]}")
    _say_other_policy(named=loaded.exam.policy_id, found=found.id)


@exam_app.command("publish")
def publish_exam(
    folder: Path,
    policy: PolicyOfExam = None,
    data: Data = DEFAULT_DATA,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Publish an exam folder with its policy."""

    async def work() -> None:
        async with config.open_store(Settings(data=data, server=server)) as (store, _):
            published = await config.publish(store, folder, policy_file=policy)
            print(
                f"{published.exam.id}: exam {published.exam_sha256[:12]}, "
                f"policy {published.policy.id} {published.policy_sha256[:12]}"
            )
            _say_other_policy(named=published.exam.policy_id, found=published.policy.id)

    _run(work())


@exam_app.command("readiness")
def exam_readiness(exam: str, data: Data = DEFAULT_DATA, server: Server = DEFAULT_SERVER) -> None:
    """List who has rehearsed for an exam, and what their reports say is to be mended."""

    async def work() -> None:
        async with _open(data, server) as store:
            rehearsals = Rehearsals(
                store,
                Cases(store, SystemClock()),
                config.PRACTICE,
                token=config.token,
                new_id=config.new_id,
            )
            try:
                rows = await rehearsals.readiness(exam)
            except NotFound:
                await _no_exam(exam, store)
            for row in rows:
                over = "; their exam is over" if row.over else ""
                print(f"{row.session}  {_readiness(row)}{over}  {row.learner}")

    _run(work())


@staff_app.command("add")
def add_staff(
    name: str,
    role: StaffRole,
    exam: Exams = None,
    data: Data = DEFAULT_DATA,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Make a staff account; asks for its password, or reads a line of standard input.

    A password has 10 to 256 characters.
    """
    own = frozenset(exam) if exam else None
    password = _ask_password()

    async def work() -> None:
        # The first account may come before all else; an exam that it is for, not.
        opened = config.open_store(Settings(data=data, server=server), makes=own is None)
        async with opened as (store, _):
            await logins.add_staff(
                SqlLogins(store),
                Argon2Passwords(),
                name=name,
                role=role,
                password=password,
                now=SystemClock().now(),
                exams=own,
                published=await _published(store),
            )
            print(f"{name} can sign in as {role}, for {in_words(own)}.")

    _run(work())


@staff_app.command("list")
def list_staff(data: Data = DEFAULT_DATA, server: Server = DEFAULT_SERVER) -> None:
    """List the staff accounts: name, role, and the exams that each is for."""

    async def work() -> None:
        async with _open(data, server) as store:
            accounts = await SqlLogins(store).all_accounts()
            if not accounts:
                print("There are no staff accounts yet: proctor staff add NAME proctor")
            for each in accounts:
                closed = "  (closed)" if each.is_closed else ""
                print(f"{each.name}  {each.role}  {in_words(each.exams)}{closed}")

    _run(work())


@staff_app.command("exams")
def change_exams(
    name: str,
    exam: Annotated[
        list[str] | None,
        typer.Option("--exam", help="One that the account is for; again for each."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every exam, later ones too.")] = False,
    data: Data = DEFAULT_DATA,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Let an account be for these exams and no others, for who is signed in to it as well."""
    if exam and every:
        _fail("say --exam or --all, not both")
    if not exam and not every:
        _fail("say which exams the account is for: --exam EXAM, once for each, or --all")
    own = None if every else frozenset(exam or ())

    async def work() -> None:
        async with _open(data, server) as store:
            published = await _published(store)
            await logins.set_exams(SqlLogins(store), name=name, exams=own, published=published)
            print(f"{name} is for {in_words(own)}.")

    _run(work())


@staff_app.command("password")
def change_password(name: str, data: Data = DEFAULT_DATA, server: Server = DEFAULT_SERVER) -> None:
    """Give an account a new password; whoever is signed in to it is signed out."""
    password = _ask_password()

    async def work() -> None:
        async with _open(data, server) as store:
            await logins.set_password(
                SqlLogins(store),
                Argon2Passwords(),
                name=name,
                password=password,
                now=SystemClock().now(),
            )
            print(f"{name} has a new password.")

    _run(work())


@staff_app.command("close")
def close_account(name: str, data: Data = DEFAULT_DATA, server: Server = DEFAULT_SERVER) -> None:
    """Let nobody sign in to an account any more, and sign out whoever is."""

    async def work() -> None:
        async with _open(data, server) as store:
            await logins.close_account(SqlLogins(store), name=name, now=SystemClock().now())
            print(f"{name} is closed. To open it again: proctor staff password {name}")

    _run(work())


@models_app.command("fetch")
def fetch_models(
    names: Annotated[list[str] | None, typer.Argument(help="All, if none is named.")] = None,
) -> None:
    """Fetch models and pictures; their hashes decide what is taken."""
    models.fetch(names or None, progress=print)


@app.command()
def observe(
    images: Annotated[list[Path], typer.Argument(help="JPEG or PNG.")],
    against: Annotated[
        Path | None, typer.Option(help="A picture of the face to compare with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON per picture.")] = False,
) -> None:
    """Look at pictures as at snapshots: faces, light, whose face it is."""
    from proctor.cli import observe as observing

    raise typer.Exit(observing.run(images, against=against, as_json=as_json))


@app.command()
def identify(
    images: Annotated[list[Path], typer.Argument(help="JPEG or PNG.")],
    name: Annotated[str, typer.Option(help="The account's name, to compare.")] = "",
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The exam's date, for the expiry; default: today."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON per picture.")] = False,
) -> None:
    """Read identity documents in pictures: zone, check digits, expiry, name, portrait."""
    from proctor.cli import identify as identifying

    today, day = SystemClock().now().date(), on.date() if on else None
    raise typer.Exit(identifying.run(images, name=name, on=day, today=today, as_json=as_json))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play three learners, check, exit.")] = False,
    data: Annotated[Path, typer.Option(help="Folder, kept between runs.")] = Path("demo-data"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
) -> None:
    """Play one exam day: three learners with the real client, on real pictures."""
    from proctor.demo import day

    with _in_one_line():
        raise typer.Exit(day.run(data=data, once=once, port=port))


@app.command("verify", add_help_option=False)
def verify() -> None:
    """Verify a bundle of evidence, offline: proctor verify BUNDLE [--key KEY] [--json]."""
    raise AssertionError("proctor.cli.main runs verify itself")


def main() -> None:
    """Run a command; what a person can mend is one line, not a traceback."""
    try:
        app()
    except (PolicyError, exams.ExamError) as no:
        _fail("\n".join(str(each) for each in (no, *no.others)))
    except (Refusal, models.ModelError, BadMailSettings) as no:
        _fail(str(no))


def _run(work: Coroutine[Any, Any, None]) -> None:
    # uvloop: the hot path is a third faster on it.
    with _in_one_line(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Have what keeps a server from running said in one line."""
    try:
        yield
    except MalformedNote:
        _fail("--server is a name without spaces or +, such as exams.example.edu")
    except (
        config.FolderInUse,
        config.PolicyDoesNotFit,
        config.PolicyTestsFail,
        CannotListen,
        DatabaseUnusable,
        KeyFileUnsafe,
    ) as no:
        _fail(str(no))
    except OSError as no:
        if no.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            _fail("the disk is full: free some space, then start again. Nothing stored was lost.")
        if no.filename is None:
            raise
        _fail(f"{no.filename}: {no.strerror}")
    except KeyboardInterrupt:
        sys.stderr.write(os.linesep)


@asynccontextmanager
async def _open(data: Path, server: str) -> AsyncIterator[SqlStore]:
    """Open a folder for what needs what is in it: one without a database is the wrong one."""
    async with config.open_store(Settings(data=data, server=server), makes=False) as (store, _):
        yield store


def _say_other_policy(*, named: str, found: str) -> None:
    if named != found:
        print(f"The exam names the policy {named}; its learners sit it under {found}.")


_NO_EXAM = "none is published yet: proctor exam publish FOLDER does it"


async def _no_exam(exam: str, store: SqlStore) -> NoReturn:
    published = ", ".join(await _published(store))
    _fail(f"no exam {exam}; {f'published: {published}' if published else _NO_EXAM}")


async def _published(store: SqlStore) -> list[str]:
    ids = [published.exam.id for published, _ in await store.exams()]
    return [each for each in ids if each != PRACTICE_EXAM]


def _readiness(row: ReadinessRow) -> str:
    if row.last_at_ms is None:
        return "never rehearsed"
    when = f"{datetime.fromtimestamp(row.last_at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    if row.ready is None:
        return f"rehearsed {when}, without a report"
    told = [("to mend", row.mend), ("to mind", row.mind), ("not tried", row.not_tried)]
    lines = "; ".join(f"{words}: {', '.join(checks)}" for words, checks in told if checks)
    return f"rehearsed {when}, {'ready' if row.ready else 'not ready'}{lines and f' ({lines})'}"


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    asked: str = typer.prompt(
        "Password (10 characters or more)", hide_input=True, confirmation_prompt=True
    )
    return asked


def _print(results: Sequence[policies.Printed]) -> None:
    for result in results:
        for line in result.lines:
            print(line)
    if not all(result.ok for result in results):
        raise typer.Exit(1)


def _fail(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    raise SystemExit(1)

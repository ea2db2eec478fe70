import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proctor.adapters.keys import KeyFileUnsafe
from proctor.adapters.mail import BadMailSettings, MailSettings, SmtpMailer, Tls, read_password
from proctor.services.ports import Mail, MailNotSent
from tests.smtp_server import PASSWORD, USER, SmtpServer, certificate, smtp

TO = "ada.lovelace@example.edu"
RECEIPT = "proctor.test/short/s_1/d_1\n7\n…\n\n— d_1 Az3grl\n".encode()
MAIL = Mail(
    id="s_1.receipt",
    to=TO,
    at=datetime(2026, 6, 1, 10, 0, tzinfo=UTC),
    subject="Your receipt: Ἄδα's exam",
    text="It was received.\n.\n..and more\n",
    attached_as="receipt-s_1.txt",
    attached=RECEIPT,
)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    return file


Settings = Callable[[SmtpServer], MailSettings]


@pytest.fixture
def settings(password_file: Path) -> Settings:
    """Return the settings that are right for a server."""

    def of(server: SmtpServer) -> MailSettings:
        signed_in = {"user": USER, "password_file": password_file} if server.tls != "none" else {}
        return MailSettings(
            host="127.0.0.1",
            port=server.port,
            tls=Tls(server.tls),
            sender="exams@example.edu",
            **signed_in,  # type: ignore[arg-type] # one of each
        )

    return of


@asynccontextmanager
async def mailing(
    settings: MailSettings, tls: ssl.SSLContext, **limits: float
) -> AsyncIterator[SmtpMailer]:
    mailer = SmtpMailer(settings, tls=tls, **limits)
    try:
        yield mailer
    finally:
        await mailer.close()


async def refused(mailer: SmtpMailer, mail: Mail = MAIL) -> MailNotSent:
    async with asyncio.timeout(60):
        with pytest.raises(MailNotSent) as no:
            await mailer.send(mail)
    assert mail.to not in repr(no.value) + repr(vars(no.value))
    assert no.value.__suppress_context__ or no.value.__context__ is None
    return no.value


@pytest.mark.parametrize("tls", ["starttls", "tls", "none"])
async def test_a_mail_arrives_as_it_was_written(
    tls: str, tmp_path: Path, settings: Settings
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with (
        smtp(SmtpServer(tls=tls, context=context)) as server,
        mailing(settings(server), believing) as mailer,
    ):
        await mailer.send(MAIL)
    (mail,) = server.mails
    assert server.recipients == [TO]
    assert (mail["From"], mail["To"]) == ("exams@example.edu", TO)
    assert (mail["Subject"], mail["Message-ID"]) == (MAIL.subject, "<s_1.receipt@example.edu>")
    assert mail["Date"].datetime == MAIL.at
    body = mail.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == MAIL.text
    (attachment,) = mail.iter_attachments()
    assert attachment.get_filename() == "receipt-s_1.txt"
    assert attachment.get_content_type() == "text/plain"
    assert attachment.get_payload(decode=True) == RECEIPT
    # This machine's own name is nobody's business.
    assert {each for each in server.commands if each.startswith("ehlo")} == {"ehlo example.edu"}
    if tls == "starttls":
        assert server.in_clear == ["ehlo example.edu", "STARTTLS"]


async def test_a_wrong_password_is_said_and_not_tried_again(
    tmp_path: Path, settings: Settings, password_file: Path
) -> None:
    password_file.write_text("another\n")  # noqa: ASYNC240 - before anybody waits
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with (
        smtp(SmtpServer(context=context)) as server,
        mailing(settings(server), believing) as mailer,
    ):
        no = await refused(mailer)
    assert (no.why, no.smtp, no.for_good) == ("login-refused", 535, True)
    assert server.mails == []


@pytest.mark.parametrize(
    ("code", "for_good"),
    [pytest.param(550, True, id="for good"), pytest.param(450, False, id="for now")],
)
async def test_a_refused_recipient_is_said_without_the_address(
    tmp_path: Path, settings: Settings, code: int, for_good: bool
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with (
        smtp(SmtpServer(context=context, refuses={TO: code})) as server,
        mailing(settings(server), believing) as mailer,
    ):
        no = await refused(mailer)
        await mailer.send(replace(MAIL, to="another@example.edu"))
    assert (no.why, no.smtp, no.for_good) == ("recipient-refused", code, for_good)
    assert server.recipients == ["another@example.edu"]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("name", "believed"),
    [
        pytest.param("127.0.0.1", False, id="one of somebody's own"),
        pytest.param("mail.example.edu", True, id="one for another name"),
    ],
)
async def test_a_server_with_another_certificate_gets_nothing(
    tmp_path: Path, settings: Settings, tls: str, name: str, believed: bool
) -> None:
    context, believing = certificate(tmp_path, name)
    trust = believing if believed else ssl.create_default_context()
    async with (
        smtp(SmtpServer(tls=tls, context=context)) as server,
        mailing(settings(server), trust) as mailer,
    ):
        no = await refused(mailer)
    assert (no.why, no.for_good) == ("certificate-refused", False)
    assert [each for each in server.commands if each not in {"ehlo example.edu", "STARTTLS"}] == []


async def test_to_a_server_that_offers_no_tls_nothing_is_said_in_clear(
    tmp_path: Path, settings: Settings
) -> None:
    _, believing = certificate(tmp_path, "127.0.0.1")
    async with smtp(SmtpServer(tls="none")) as server:
        wanted = settings(replace(server, tls="starttls"))
        async with mailing(wanted, believing) as mailer:
            no = await refused(mailer)
    assert (no.why, no.for_good) == ("tls-failed", False)
    assert server.commands == ["ehlo example.edu"]


async def test_a_server_that_is_away_is_said(tmp_path: Path, settings: Settings) -> None:
    _, believing = certificate(tmp_path, "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with mailing(settings(SmtpServer(port=port)), believing) as mailer:
        no = await refused(mailer)
    assert (no.why, no.smtp, no.for_good) == ("unreachable", None, False)


@pytest.mark.parametrize(
    ("slow", "limits"),
    [
        pytest.param({"silent_at": "greeting"}, {"step_s": 0.2}, id="does not greet"),
        pytest.param({"silent_at": "RCPT"}, {"step_s": 0.2}, id="stops in the middle"),
        pytest.param({"silent_at": "taken"}, {"step_s": 0.2}, id="does not say that it took it"),
        pytest.param({"silent_at": "greeting"}, {"within_s": 0.2}, id="too slow in all"),
        pytest.param({"dribbles": True}, {"within_s": 0.2}, id="dribbles"),
    ],
)
async def test_a_slow_server_is_hung_up_on(
    tmp_path: Path, settings: Settings, slow: dict[str, Any], limits: dict[str, float]
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with (
        smtp(SmtpServer(context=context, **slow)) as server,
        mailing(settings(server), believing, **limits) as mailer,
    ):
        no = await refused(mailer)
    assert (no.why, no.for_good) == ("timed-out", False)


async def test_what_was_taken_is_sent_even_where_the_goodbye_is_missing(
    tmp_path: Path, settings: Settings
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with (
        smtp(SmtpServer(context=context, silent_at="QUIT")) as server,
        mailing(settings(server), believing, step_s=2) as mailer,
    ):
        await mailer.send(MAIL)
    assert server.recipients == [TO]


async def test_who_stops_the_server_does_not_wait_for_mail(
    tmp_path: Path, settings: Settings
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    async with smtp(SmtpServer(context=context, silent_at="RCPT")) as server:
        async with asyncio.timeout(60), mailing(settings(server), believing) as mailer:
            sending = asyncio.ensure_future(mailer.send(MAIL))
            await server.hushed.wait()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        assert sending.cancelled()


@pytest.mark.parametrize("utf8", [True, False])
async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(
    tmp_path: Path, settings: Settings, utf8: bool
) -> None:
    context, believing = certificate(tmp_path, "127.0.0.1")
    mail = replace(MAIL, to="ἄδα@example.edu")
    async with (
        smtp(SmtpServer(context=context, utf8=utf8)) as server,
        mailing(settings(server), believing) as mailer,
    ):
        if utf8:
            await mailer.send(mail)
            assert server.recipients == [mail.to]
        else:
            no = await refused(mailer, mail)
            assert (no.why, no.for_good) == ("not-supported", True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"host": ""}, "--mail-host", id="no host"),
        pytest.param({"sender": ""}, "--mail-from", id="no sender"),
        pytest.param({"sender": "exams"}, "--mail-from", id="a sender that is no address"),
        pytest.param({"sender": "a@b\nBcc: c@d"}, "--mail-from", id="two lines"),
        pytest.param({"user": "me"}, "--mail-password-file", id="no password"),
        pytest.param({"password_file": Path("p")}, "--mail-user", id="no user"),
        pytest.param(
            {"user": "me", "password_file": Path("p"), "tls": Tls.NONE}, "TLS", id="in clear"
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changed: dict[str, Any], told: str) -> None:
    right: dict[str, Any] = {"host": "mail.example.edu", "sender": "exams@example.edu"}
    with pytest.raises(BadMailSettings, match=told):
        MailSettings(**{**right, **changed})


def test_a_password_that_others_can_read_is_refused(password_file: Path) -> None:
    assert read_password(password_file) == PASSWORD
    password_file.chmod(0o640)
    with pytest.raises(KeyFileUnsafe, match="chmod 600"):
        read_password(password_file)


@pytest.mark.parametrize("text", [pytest.param("", id="empty"), pytest.param("ἄδα", id="Greek")])
def test_a_file_without_a_password_is_refused(password_file: Path, text: str) -> None:
    password_file.write_text(text, encoding="utf-8")
    with pytest.raises(KeyFileUnsafe, match="one line"):
        read_password(password_file)

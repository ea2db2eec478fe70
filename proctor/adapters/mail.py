"""Mail through an SMTP server: `services.ports.Mailer`.

Encrypted and with the server's certificate checked, unless the settings say in so many words that
it is not. What a mail server answers may quote the address: of it, nothing but the number goes on.
"""

import asyncio
import os
import smtplib
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

from proctor.adapters.keys import KeyFileUnsafe
from proctor.services.ports import Mail, MailNotSent

# For one answer, and for a whole mail: a server that dribbles must not hold a thread for ever.
STEP_TIMEOUT_S = 20.0
SEND_TIMEOUT_S = 60.0
MAX_THREADS = 4
MAX_PASSWORD_FILE_BYTES = 1024
_NO_TRY_AGAIN = 500  # SMTP's answers from here on are for good


class Tls(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


PORTS: Mapping[Tls, int] = MappingProxyType({Tls.STARTTLS: 587, Tls.TLS: 465, Tls.NONE: 25})


class BadMailSettings(Exception):
    """The settings for mail do not go together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Which SMTP server takes mail, and as whose."""

    host: str
    sender: str  # an address
    port: int | None = None  # None: the usual one, `PORTS`
    tls: Tls = Tls.STARTTLS
    user: str = ""  # none: without signing in
    password_file: Path | None = None  # mode 0600

    def __post_init__(self) -> None:
        """Check that they go together.

        Raises:
            BadMailSettings: They do not.
        """
        if not (self.host and self.host.isascii() and self.host.isprintable()):
            raise BadMailSettings("mail needs the name of an SMTP server: --mail-host")
        name, _, domain = self.sender.rpartition("@")
        if not (name and domain and self.sender.isascii() and self.sender.isprintable()):
            raise BadMailSettings(
                "mail needs the address it is from: --mail-from exams@example.edu"
            )
        if bool(self.user) != bool(self.password_file):
            raise BadMailSettings("--mail-user and --mail-password-file go together")
        if self.user and self.tls is Tls.NONE:
            raise BadMailSettings("a password is not sent without TLS: --mail-tls starttls or tls")


def read_password(path: Path) -> str:
    """Return the first line of a file that only its owner can read.

    Raises:
        KeyFileUnsafe: Others can read it, or it holds no password that SMTP can carry.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise KeyFileUnsafe(path, f"others can read it; run: chmod 600 {path}")
        line = file.read(MAX_PASSWORD_FILE_BYTES).split(b"\n")[0].rstrip(b"\r")
    if not (line and line.isascii()):
        raise KeyFileUnsafe(path, "a password is one line of ASCII")
    return line.decode()


class SmtpMailer:
    """`services.ports.Mailer`. A connection for each mail, in threads of its own."""

    def __init__(
        self,
        settings: MailSettings,
        *,
        tls: ssl.SSLContext | None = None,
        step_s: float = STEP_TIMEOUT_S,
        within_s: float = SEND_TIMEOUT_S,
    ) -> None:
        """Read the password.

        Args:
            settings: Which server, and how.
            tls: Whose certificates are believed; None: those that this machine believes.
            step_s: For one answer of the server, in seconds.
            within_s: For a whole mail, in seconds.

        Raises:
            KeyFileUnsafe, OSError: As `read_password`.
        """
        self._settings = settings
        file = settings.password_file
        self._password = "" if file is None else read_password(file)
        self._tls = tls or ssl.create_default_context()
        self._step_s = step_s
        self._within_s = within_s
        # Their own: a mail server that is slow must not take the threads that read the database.
        self._threads = ThreadPoolExecutor(MAX_THREADS, "mail")

    async def send(self, mail: Mail) -> None:
        line = _Line()
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, partial(self._send, mail, line)
        )
        try:
            await asyncio.wait({work}, timeout=self._within_s)
        finally:
            line.cut()  # whoever waits for an answer gets none any more
        await work

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _send(self, mail: Mail, line: "_Line") -> None:
        refused: MailNotSent
        try:
            self._talk(mail, line)
        except smtplib.SMTPRecipientsRefused as no:
            code = max((code for code, _ in no.recipients.values()), default=0)
            refused = _answered("recipient-refused", code)
        except smtplib.SMTPAuthenticationError as no:
            refused = _answered("login-refused", no.smtp_code)
        except smtplib.SMTPSenderRefused as no:
            refused = _answered("sender-refused", no.smtp_code)
        except smtplib.SMTPResponseException as no:
            refused = _answered("mail-refused", no.smtp_code)
        except smtplib.SMTPNotSupportedError:
            refused = MailNotSent(why="not-supported", for_good=True)
        except ssl.SSLCertVerificationError:
            refused = MailNotSent(why="certificate-refused")
        except ssl.SSLError:
            refused = MailNotSent(why="tls-failed")
        except TimeoutError:
            refused = MailNotSent(why="timed-out")
        except (OSError, UnicodeError):  # every other SMTPException is an OSError
            refused = MailNotSent(why="timed-out" if line.is_cut else "unreachable")
        else:
            return
        raise refused from None

    def _talk(self, mail: Mail, line: "_Line") -> None:
        settings = self._settings
        smtp: smtplib.SMTP
        to = (settings.host, settings.port or PORTS[settings.tls])
        # Not this machine's own name, which the learner would read in the headers.
        us = settings.sender.rpartition("@")[2]
        if settings.tls is Tls.TLS:
            smtp = _SmtpTls(line, *to, us, timeout=self._step_s, context=self._tls)
        else:
            smtp = _Smtp(line, *to, us, timeout=self._step_s)
        try:
            if settings.tls is Tls.STARTTLS:
                _start_tls(smtp, self._tls)
            if settings.user:
                smtp.login(settings.user, self._password)
            smtp.send_message(_message(mail, settings.sender), settings.sender, [mail.to])
            # Taken: whatever comes now, another try would send a second one.
            with suppress(OSError):
                smtp.quit()
        finally:
            smtp.close()


class _Line:
    """The connection of one mail, which another thread can cut."""

    def __init__(self) -> None:
        self.is_cut = False
        self._lock = Lock()
        self._socket: socket.socket | None = None

    def hold(self, held: socket.socket | None) -> None:
        with self._lock:
            if self.is_cut:
                raise TimeoutError
            self._socket = held

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            if self._socket is not None:
                # The plain socket's: that of TLS would pull its state from under the other thread.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Smtp(smtplib.SMTP):
    def __init__(self, line: _Line, *to: Any, **how: Any) -> None:
        self._line = line
        super().__init__(*to, **how)

    def getreply(self) -> tuple[int, bytes]:
        self._line.hold(self.sock)
        try:
            reply = super().getreply()
        except smtplib.SMTPServerDisconnected as no:
            if isinstance(no.__context__, TimeoutError):  # which it makes a loss of the connection
                raise TimeoutError from None
            raise
        if self._line.is_cut:  # and what came of the answer is none
            self.close()
            raise TimeoutError
        return reply


class _SmtpTls(_Smtp, smtplib.SMTP_SSL):
    pass


def _start_tls(smtp: smtplib.SMTP, tls: ssl.SSLContext) -> None:
    smtp.ehlo_or_helo_if_needed()
    # A server that offers none may be somebody on the way: no word goes there in clear.
    if not smtp.has_extn("starttls"):
        raise ssl.SSLError
    smtp.starttls(context=tls)


def _answered(why: str, code: int) -> MailNotSent:
    return MailNotSent(why=why, smtp=code, for_good=code >= _NO_TRY_AGAIN)


def _message(mail: Mail, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    # The same at each try, so that one that was sent twice is seen to be one.
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    # As bytes, which travel as they are: a receipt with other line ends is none.
    message.add_attachment(
        mail.attached,
        maintype="text",
        subtype="plain",
        filename=mail.attached_as,
        params={"charset": "utf-8"},
    )
    return message
